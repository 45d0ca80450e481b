"""A rehearsal of other terms says what they would really have paid, to the cent."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import Person
from payments.models import Payment
from payments.rehearsal import WINDOW, Rehearsal, Tally, rehearse
from payments.tests.stripe_events import refer, settle, turn
from referrals.models import Program, Referral


def draft(**changes: Any) -> Program:
    terms = {"referrer_bonus": 10, "referee_bonus": 10, "minimum_purchase": 10, "max_uses": 10}
    amounts = {name: Decimal(value) for name, value in (terms | changes).items()}
    return Program(starts_at=timezone.now(), **amounts)


def rehearsal(began: datetime | None = None, **changes: Any) -> Rehearsal:
    """Rehearse the wiki's terms with `changes` on all that happened, or on what came after."""
    return rehearse(draft(**changes), now=began + WINDOW if began else timezone.now())


def uses_and_total(tally: Tally) -> tuple[int, Decimal]:
    return tally.uses, tally.total


def test_the_terms_that_were_in_force_give_what_was_paid(alice: Person) -> None:
    refer(alice, 2)

    seen = rehearsal()

    assert uses_and_total(seen.paid) == uses_and_total(seen.drafted) == (2, Decimal(40))
    assert (seen.purchases, seen.newly_qualifying, seen.no_longer_qualifying) == (2, 0, 0)


def test_other_bonuses_are_paid_to_each_side(alice: Person) -> None:
    refer(alice, 2)

    seen = rehearsal(referrer_bonus=15, referee_bonus=4)

    assert (seen.drafted.to_referrers, seen.drafted.to_referees) == (Decimal(30), Decimal(8))
    assert seen.difference == Decimal(-2)


def test_a_lower_minimum_finds_those_who_bought_for_less(alice: Person, bob: Person) -> None:
    settle(bob.user, 500)

    seen = rehearsal(minimum_purchase=5)

    assert (seen.paid.uses, seen.drafted.uses, seen.newly_qualifying) == (0, 1, 1)
    [line] = seen.most_changed(20)
    assert (line.username, line.difference) == ("alice", Decimal(20))


def test_a_higher_minimum_waits_for_a_purchase_that_is_large_enough(bob: Person) -> None:
    settle(bob.user, 1000)
    settle(bob.user, 2500)

    seen = rehearsal(minimum_purchase=25)

    assert (seen.newly_qualifying, seen.no_longer_qualifying) == (1, 1)
    assert (seen.paid.uses, seen.drafted.uses) == (1, 1)


def test_a_lower_cap_counts_the_uses_from_before_the_window(alice: Person) -> None:
    refer(alice, 2)
    began = timezone.now()
    refer(alice, 3)

    seen = rehearsal(began, max_uses=4)

    assert (seen.paid.uses, seen.drafted.uses, seen.purchases) == (3, 2, 3)


def test_whoever_had_qualified_before_the_window_does_not_qualify_again(bob: Person) -> None:
    settle(bob.user)
    began = timezone.now()
    settle(bob.user, 5000)

    seen = rehearsal(began, minimum_purchase=50)

    assert (seen.purchases, seen.newly_qualifying, seen.drafted.uses) == (1, 0, 0)


def test_a_budget_ends_where_it_is_spent(alice: Person) -> None:
    refer(alice, 3)

    seen = rehearsal(budget=50)

    assert uses_and_total(seen.drafted) == (2, Decimal(40))
    assert seen.first_at
    assert seen.spent_at
    assert seen.spent_at == Payment.objects.latest("paid_at").paid_at
    assert seen.budget_lasts == seen.spent_at - seen.first_at


def test_a_budget_that_lasts_is_forecast_at_the_pace_of_the_purchases(alice: Person) -> None:
    refer(alice, 2)

    seen = rehearsal(budget=80)

    assert seen.spent_at is None
    assert seen.first_at
    assert seen.budget_lasts == 2 * (seen.until - seen.first_at)


@pytest.mark.parametrize("budget", [None, Decimal(100)])
def test_where_nothing_is_paid_no_budget_ends(db: None, budget: Decimal | None) -> None:
    terms = draft()
    terms.budget = budget

    seen = rehearse(terms, now=timezone.now())

    assert (seen.budget_lasts, seen.lines, seen.purchases) == (None, {}, 0)


@pytest.mark.parametrize("fate", ["reversed", "held", "voided"])
def test_what_became_of_a_bonus_later_is_not_counted(bob: Person, fate: str) -> None:
    settle(bob.user)
    turn(Referral.objects.get(), fate)

    seen = rehearsal()

    assert uses_and_total(seen.paid) == uses_and_total(seen.drafted) == (1, Decimal(20))


def test_one_mailbox_is_told_as_held(alice: Person, bob: Person) -> None:
    User.objects.filter(pk=bob.user.pk).update(email="alice+bob@example.com")
    settle(bob.user)

    seen = rehearsal()

    assert (seen.paid.held, seen.drafted.held) == (1, 1)


def test_a_referrer_who_is_deactivated_by_now_would_get_nothing(alice: Person, bob: Person) -> None:
    settle(bob.user)
    User.objects.filter(pk=alice.user.pk).update(is_active=False)

    seen = rehearsal()

    assert (seen.paid.uses, seen.drafted.uses) == (1, 0)


def test_those_for_whom_most_changes_come_first(alice: Person, charlie: Person) -> None:
    refer(alice, 1)
    refer(charlie, 2)

    names = [line.username for line in rehearsal(referrer_bonus=5).most_changed(1)]

    assert names == ["charlie"]


def test_the_draft_is_left_as_it_is(alice: Person) -> None:
    refer(alice, 1)
    terms = draft(budget=100)

    rehearse(terms, now=timezone.now())

    assert terms.reserved == 0
    assert Program.objects.count() == 1


def test_it_needs_two_queries(alice: Person, django_assert_num_queries: Any) -> None:
    refer(alice, 3)

    with django_assert_num_queries(2):
        rehearsal()
