"""What becomes of a bonus whose purchase qualifies again (CONTRACT 2.7, 2.13)."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.tests.factories import Person, register, reviewer
from payments.tests.stripe_events import deliver, dispute, refund, report, settle
from referrals import review
from referrals.models import Program, Referral
from referrals.tests.factories import ProgramFactory


@pytest.fixture
def budget(db: None) -> Program:
    """Terms with a budget for one award and a half."""
    return ProgramFactory.create(budget=Decimal("30.00"))


def reserved(budget: Program) -> Decimal:
    budget.refresh_from_db()
    return budget.reserved


def state(alice: Person) -> tuple[str, str, str]:
    referral = Referral.objects.get()
    return referral.status, referral.hold_reason, alice.balance()


@pytest.mark.parametrize(
    ("taken", "given"),
    [
        ("dispute 1000", "dispute 1000 won"),
        ("refund 1000", "refund 1000 failed"),
    ],
)
def test_given_again_to_a_referrer_who_was_deactivated_it_is_held(
    alice: Person, bob: Person, taken: str, given: str
) -> None:
    payment = settle(bob.user)
    report(payment, taken)
    alice.change(is_active=False)

    report(payment, given)

    assert state(alice) == ("held", "the referrer was deactivated meanwhile", "0.00")
    with pytest.raises(review.ReferrerGoneError):
        review.release(
            Referral.objects.get().pk, by=reviewer(), note="They left.", now=timezone.now()
        )


def test_a_purchase_that_still_qualifies_leaves_the_bonus_as_it_is(
    alice: Person, bob: Person
) -> None:
    payment = settle(bob.user, 3000)
    alice.change(is_active=False)

    deliver(refund(payment, 1000))

    assert state(alice) == ("completed", "", "10.00")


@pytest.mark.parametrize(
    ("decide", "status", "is_forgotten"),
    [(review.release, "held", True), (review.void, "voided", False)],
)
def test_a_release_from_before_does_not_count_and_a_void_stays(
    alice: Person, bob: Person, decide: Callable[..., object], status: str, is_forgotten: bool
) -> None:
    payment = settle(bob.user)
    referral = review.hold(Referral.objects.get().pk, reason="one card", now=timezone.now())
    decide(referral.pk, by=reviewer(), note="I asked them.", now=timezone.now())
    deliver(dispute(payment, 1000))
    alice.change(is_active=False)

    deliver(dispute(payment, 1000, "won"))

    assert state(alice)[0] == status
    assert (Referral.objects.get().reviewed_by is None) is is_forgotten


def test_a_refund_returns_the_award_and_a_failed_one_reserves_it_again(
    budget: Program, alice: Person, bob: Person
) -> None:
    payment = settle(bob.user)
    for _ in range(2):
        assert deliver(refund(payment, 1000)).status_code == 200
    returned = reserved(budget)

    deliver(refund(payment, 1000, "failed"))

    assert (returned, reserved(budget)) == (Decimal(0), Decimal(20))
    assert state(alice) == ("completed", "", "10.00")


def test_when_the_budget_was_spent_meanwhile_it_is_held_until_there_is_some(
    budget: Program, alice: Person, bob: Person, charlie: Person
) -> None:
    payment = settle(bob.user)
    deliver(refund(payment, 1000))
    others = settle(register("dora", code=charlie.code).user)
    deliver(refund(payment, 1000, "failed"))

    held = Referral.objects.get(referrer=alice.user)
    assert (held.status, held.hold_reason) == ("held", "the budget was spent meanwhile")
    with pytest.raises(review.BudgetSpentError):
        review.release(held.pk, by=reviewer(), note="They may.", now=timezone.now())
    deliver(refund(others, 1000))
    review.release(held.pk, by=reviewer(), note="They may.", now=timezone.now())
    assert alice.balance() == "10.00"
    assert reserved(budget) == 20
