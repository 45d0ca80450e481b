"""The totals of a user count only what is not taken back."""

from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import Person
from payments.tests.stripe_events import refer, settle, turn
from referrals.models import Referral
from referrals.reports import referrals_of, stats
from referrals.tests.factories import ProgramFactory


def test_a_pending_referral_becomes_a_use_by_a_qualifying_purchase(
    alice: Person, bob: Person
) -> None:
    settle(bob.user, 999)
    before = stats(alice.user, now=timezone.now())

    settle(bob.user)

    after = stats(alice.user, now=timezone.now())
    assert (before.pending_referrals, before.total_uses) == (1, 0)
    assert (after.pending_referrals, after.total_uses) == (0, 1)


def test_deactivated_friends_and_sign_ups_without_a_code_are_not_pending(
    alice: Person, bob: Person
) -> None:
    bob.change(is_active=False)
    User.objects.create_user("codeless", "codeless@example.com")

    totals = stats(alice.user, now=timezone.now())

    assert (totals.total_uses, totals.remaining_uses, totals.max_uses) == (0, 10, 10)
    assert (totals.total_earned, totals.pending_referrals) == (Decimal(0), 0)


@pytest.mark.parametrize("status", ["held", "reversed", "voided"])
def test_a_bonus_that_was_taken_back_or_is_anothers_is_not_earned(
    alice: Person, charlie: Person, status: str
) -> None:
    refer(alice, 2)
    turn(Referral.objects.get(use_number=1), status)

    totals = stats(alice.user, now=timezone.now())

    assert (totals.total_uses, totals.total_earned) == (2, Decimal(10))
    assert sorted(referral.bonus_earned for referral in referrals_of(alice.user)) == [0, 10]
    assert stats(charlie.user, now=timezone.now()).total_earned == 0


def test_it_lists_the_newest_hundred(alice: Person) -> None:
    ProgramFactory.create(max_uses=101)
    referees = refer(alice, 101)

    listed = referrals_of(alice.user)

    newest = [referee.user.pk for referee in reversed(referees[1:])]
    assert [referral.user_id for referral in listed] == newest
