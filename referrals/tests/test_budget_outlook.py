"""When the budget ends: at the rate of the last days, and not after the next terms start."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.tests.factories import Person
from payments.tests.stripe_events import refer, turn
from referrals import budget
from referrals.budget import Outlook
from referrals.models import Program, Referral
from referrals.tests.terms import new_terms, terms_now

DAY = timedelta(days=1)


def outlook(terms: Program, days_later: int = 0) -> Outlook:
    terms.refresh_from_db()
    found = budget.outlook(terms, now=timezone.now() + days_later * DAY)
    assert found
    return found


def test_terms_without_a_budget_have_no_outlook(db: None) -> None:
    assert budget.outlook(Program.objects.get(), now=timezone.now()) is None


def test_it_ends_at_the_rate_of_the_days_there_were(alice: Person) -> None:
    terms = terms_now(budget=Decimal(200))
    refer(alice, 2)

    seen = outlook(terms, days_later=2)

    assert (seen.left, round(seen.daily)) == (Decimal(160), 20)
    assert seen.ends_at
    assert round((seen.ends_at - seen.asked_at) / DAY) == 8
    assert seen.needs_someone
    assert seen.sentence.startswith("At this rate it is spent in about 8 days, on ")


@pytest.mark.parametrize(("days_later", "daily"), [(0, 40), (10, 4), (13, 3), (15, 0)])
def test_the_rate_is_that_of_fourteen_days_at_most_and_a_day_at_least(
    alice: Person, days_later: int, daily: int
) -> None:
    terms = terms_now(budget=Decimal(200))
    refer(alice, 2)

    assert round(outlook(terms, days_later=days_later).daily) == daily


def test_without_a_rate_no_end_is_in_sight(db: None) -> None:
    seen = outlook(terms_now(budget=Decimal(100)), days_later=3)

    assert (seen.ends_at, seen.needs_someone) == (None, False)
    assert seen.sentence == "At this rate no end is in sight."


def test_an_end_beyond_ten_years_is_none(alice: Person) -> None:
    terms = terms_now(budget=Decimal("999999999999.99"))
    refer(alice, 1)

    assert outlook(terms, days_later=1).ends_at is None


def test_what_pays_no_further_award_is_spent(alice: Person) -> None:
    terms = terms_now(budget=Decimal(50))
    refer(alice, 2)

    seen = outlook(terms)

    assert (seen.left, seen.is_spent, seen.needs_someone) == (Decimal(10), True, True)
    assert "is spent" in seen.sentence


def test_what_pays_one_award_more_is_not_spent(alice: Person) -> None:
    terms = terms_now(budget=Decimal(60))
    refer(alice, 2)

    seen = outlook(terms)

    assert (seen.left, seen.is_spent) == (Decimal(20), False)


def test_it_counts_what_was_paid_is_held_and_was_taken_back(alice: Person) -> None:
    terms = terms_now(referee_bonus=Decimal("2.50"))
    refer(alice, 4)
    for referral, status in zip(
        Referral.objects.order_by("pk"), ["held", "reversed"], strict=False
    ):
        turn(referral, status)

    assert budget.spending(terms) == budget.Spending(
        uses=2, paid=Decimal(25), held=Decimal("12.50"), taken_back=Decimal("12.50")
    )


@pytest.mark.parametrize(("days_ahead", "needs_someone"), [(3, False), (12, True)])
def test_the_next_terms_may_start_before_it_ends(
    alice: Person, days_ahead: int, needs_someone: bool
) -> None:
    terms = terms_now(budget=Decimal(200))
    new_terms(starts_at=timezone.now() + days_ahead * DAY)
    refer(alice, 2)

    seen = outlook(terms, days_later=2)

    assert (seen.outlasts_terms, seen.needs_someone) == (not needs_someone, needs_someone)
    assert ("lasts until the next terms start" in seen.sentence) is not needs_someone


def test_what_was_voided_is_given_back(alice: Person) -> None:
    terms = terms_now(budget=Decimal(200))
    refer(alice, 1)
    turn(Referral.objects.get(), "voided")

    seen = outlook(terms)

    assert (seen.left, seen.daily) == (Decimal(200), Decimal(0))


def test_it_asks_the_database_twice(db: None, django_assert_num_queries: Any) -> None:
    terms = terms_now(budget=Decimal(200))

    with django_assert_num_queries(2):
        budget.outlook(terms, now=timezone.now())
