"""What a simulation says besides the awards, which test_any_simulation compares with real ones."""

from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.tests.factories import Person
from payments.models import Payment
from payments.reports.terms_simulation import WINDOW, Simulation, Tally, simulate
from payments.tests.stripe_events import refer, settle, turn
from referrals.models import Program, Referral


def draft(**changes: Any) -> Program:
    terms = {"referrer_bonus": 10, "referee_bonus": 10, "minimum_purchase": 10, "max_uses": 10}
    amounts = {name: Decimal(value) for name, value in (terms | changes).items()}
    return Program(starts_at=timezone.now(), **amounts)


def simulated(**changes: Any) -> Simulation:
    """Simulate the wiki's terms with `changes` on all that happened."""
    return simulate(draft(**changes), now=timezone.now())


def uses_and_total(tally: Tally) -> tuple[int, Decimal]:
    return tally.uses, tally.total


def test_a_lower_minimum_finds_those_who_bought_for_less_and_a_higher_one_waits_for_enough(
    bob: Person,
) -> None:
    settle(bob.user, 500)
    lower = simulated(minimum_purchase=5)
    settle(bob.user, 1000)
    settle(bob.user, 2500)

    higher = simulated(minimum_purchase=25)

    assert (lower.all.paid.uses, lower.all.drafted.uses, lower.newly_qualifying) == (0, 1, 1)
    [line] = lower.most_changed(20)
    assert (line.username, line.difference) == ("alice", Decimal(20))
    assert (higher.newly_qualifying, higher.no_longer_qualifying) == (1, 1)
    assert (higher.all.paid.uses, higher.all.drafted.uses) == (1, 1)


def test_a_lower_cap_counts_the_uses_from_before_the_window(alice: Person) -> None:
    refer(alice, 2)
    began = timezone.now()
    refer(alice, 3)

    found = simulate(draft(max_uses=4), now=began + WINDOW)

    assert (found.all.paid.uses, found.all.drafted.uses, found.purchases) == (3, 2, 3)


def test_a_budget_ends_where_it_is_spent_or_is_forecast_at_the_pace_of_the_purchases(
    alice: Person,
) -> None:
    refer(alice, 2)
    lasting = simulated(budget=80)
    refer(alice, 1)

    found = simulated(budget=50)

    assert lasting.spent_at is None
    assert lasting.first_at
    assert lasting.budget_lasts == 2 * (lasting.until - lasting.first_at)
    assert uses_and_total(found.all.drafted) == (2, Decimal(40))
    assert found.first_at
    assert found.spent_at == Payment.objects.latest("paid_at").paid_at
    assert found.budget_lasts == found.spent_at - found.first_at


@pytest.mark.parametrize("changes", [{}, {"budget": 100}])
def test_where_nothing_is_paid_no_budget_ends(db: None, changes: dict[str, Any]) -> None:
    found = simulated(**changes)

    assert (found.budget_lasts, found.referrers, found.purchases) == (None, {}, 0)


@pytest.mark.parametrize("later", ["reversed", "held", "voided"])
def test_what_became_of_a_bonus_later_is_not_counted(bob: Person, later: str) -> None:
    settle(bob.user)
    turn(Referral.objects.get(), later)

    both = simulated().all

    assert uses_and_total(both.paid) == uses_and_total(both.drafted) == (1, Decimal(20))


def test_those_for_whom_most_changes_come_first(alice: Person, charlie: Person) -> None:
    refer(alice, 1)
    refer(charlie, 2)

    names = [line.username for line in simulated(referrer_bonus=5).most_changed(1)]

    assert names == ["charlie"]


def test_it_reads_in_three_queries_and_leaves_the_draft_as_it_is(
    alice: Person, django_assert_num_queries: Any
) -> None:
    refer(alice, 3)
    terms = draft(budget=100)

    with django_assert_num_queries(3):
        simulate(terms, now=timezone.now())

    assert terms.reserved == 0
    assert Program.objects.count() == 1
