"""The forecast of a budget: the rate of the last days, and the start of the next terms."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.tests.factories import Person
from payments.tests.stripe_events import refer, turn
from referrals import budget
from referrals.budget import Forecast
from referrals.models import Program, Referral
from referrals.tests.factories import ProgramFactory

DAY = timedelta(days=1)


def forecast(terms: Program, days_later: int = 0) -> Forecast:
    terms.refresh_from_db()
    found = budget.forecast(terms, now=timezone.now() + days_later * DAY)
    assert found
    return found


def test_it_ends_at_the_rate_of_the_past_days(alice: Person) -> None:
    terms = ProgramFactory.create(budget=Decimal(200))
    refer(alice, 2)

    seen = forecast(terms, days_later=2)

    assert (seen.left, round(seen.daily)) == (Decimal(160), 20)
    assert seen.ends_at
    assert round((seen.ends_at - seen.computed_at) / DAY) == 8
    assert seen.needs_action
    assert seen.message.startswith("At this rate it is spent in about 8 days, on ")


@pytest.mark.parametrize(("days_later", "daily"), [(0, 40), (10, 4), (13, 3), (15, 0)])
def test_the_rate_is_that_of_fourteen_days_at_most_and_a_day_at_least(
    alice: Person, days_later: int, daily: int
) -> None:
    terms = ProgramFactory.create(budget=Decimal(200))
    refer(alice, 2)

    assert round(forecast(terms, days_later=days_later).daily) == daily


def test_without_uses_there_is_no_end_and_without_a_budget_no_forecast(
    db: None, django_assert_num_queries: Any
) -> None:
    without_budget = Program.objects.get()
    terms = ProgramFactory.create(budget=Decimal(100))

    with django_assert_num_queries(2):
        seen = budget.forecast(terms, now=timezone.now() + 3 * DAY)

    assert seen
    assert (seen.ends_at, seen.needs_action) == (None, False)
    assert seen.message == "At this rate no end is in sight."
    assert budget.forecast(without_budget, now=timezone.now()) is None


def test_an_end_beyond_ten_years_counts_as_none_and_voided_bonuses_return(alice: Person) -> None:
    terms = ProgramFactory.create(budget=Decimal("999999999999.99"))
    refer(alice, 1)
    before = forecast(terms, days_later=1)

    turn(Referral.objects.get(), "voided")

    after = forecast(terms, days_later=1)
    assert (before.ends_at, before.daily > 0) == (None, True)
    assert (after.left, after.daily) == (Decimal("999999999999.99"), Decimal(0))


@pytest.mark.parametrize(("total", "is_spent"), [(50, True), (60, False)])
def test_a_budget_below_one_award_is_spent(alice: Person, total: int, is_spent: bool) -> None:
    terms = ProgramFactory.create(budget=Decimal(total))
    refer(alice, 2)

    seen = forecast(terms)

    assert (seen.left, seen.is_spent) == (Decimal(total - 40), is_spent)
    assert seen.needs_action
    assert ("is spent:" in seen.message) is is_spent


def test_it_sums_what_is_paid_held_and_taken_back(alice: Person) -> None:
    terms = ProgramFactory.create(referee_bonus=Decimal("2.50"))
    refer(alice, 4)
    first, second, third, _ = Referral.objects.order_by("pk")
    turn(first, "held")
    turn(second, "reversed")
    turn(third, "disputed")

    assert budget.spending(terms) == budget.Spending(
        uses=1,
        paid=Decimal("12.50"),
        held=Decimal("12.50"),
        taken_back=Decimal("12.50"),
        returned=Decimal("12.50"),
    )


@pytest.mark.parametrize(("days_ahead", "needs_action"), [(3, False), (12, True)])
def test_the_next_terms_may_start_before_it_ends(
    alice: Person, days_ahead: int, needs_action: bool
) -> None:
    terms = ProgramFactory.create(budget=Decimal(200))
    ProgramFactory.create(starts_at=timezone.now() + days_ahead * DAY)
    refer(alice, 2)

    seen = forecast(terms, days_later=2)

    assert (seen.outlasts_terms, seen.needs_action) == (not needs_action, needs_action)
    assert ("lasts until the next terms start" in seen.message) is not needs_action
