"""Each award reserves a part of the budget, which simultaneous awards never exceed."""

from collections.abc import Callable
from decimal import Decimal
from functools import partial

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.tests.factories import Person, register, reviewer
from payments.models import Payment
from payments.tests.at_once import at_once
from payments.tests.guards import meeting
from payments.tests.stripe_events import (
    deliver,
    dispute,
    event,
    pending_payment,
    refer,
    refund,
    settle,
    turn,
)
from referrals import bonuses, review
from referrals.models import Program, Referral
from referrals.tests.factories import ProgramFactory


@pytest.fixture
def budget(alice: Person) -> Program:
    """Terms with a budget for two awards of $20, and $10 more."""
    return ProgramFactory.create(budget=Decimal("50.00"))


def reserved(terms: Program) -> str:
    terms.refresh_from_db()
    return str(terms.reserved)


def test_when_awards_have_spent_the_budget_only_the_purchase_is_credited(
    budget: Program, alice: Person, bob: Person, charlie: Person
) -> None:
    settle(charlie.user)
    before = reserved(budget)
    refer(alice, 2)

    payment = settle(bob.user)

    assert before == "0.00"
    assert (payment.bonus_decision, payment.referral) == ("budget_spent", None)
    assert (alice.balance(), bob.balance(), reserved(budget)) == ("20.00", "10.00", "40.00")
    bob.user.refresh_from_db()
    assert bob.user.has_made_first_purchase
    assert Referral.objects.count() == 2
    [check] = [check for check in payment.checks if check["name"] == "budget"]
    assert (check["status"], check["found"], check["required"]) == ("failed", "10.00", "20.00")


def test_a_held_bonus_is_reserved_until_it_is_voided_once(
    budget: Program, alice: Person, bob: Person
) -> None:
    settle(bob.user)
    refer(alice, 1)
    referral = Referral.objects.get(referred_user=bob.user)
    turn(referral, "held")
    while_held = reserved(budget)

    turn(referral, "voided")
    with pytest.raises(review.NotHeldError):
        review.void(referral.pk, by=reviewer(), note="Again.", now=timezone.now())

    assert (while_held, reserved(budget)) == ("40.00", "20.00")


@pytest.mark.parametrize("decide", [review.release, review.void])
def test_the_award_of_a_held_bonus_is_returned_once_after_a_refund(
    budget: Program, alice: Person, bob: Person, decide: Callable[..., Referral]
) -> None:
    payment = settle(bob.user)
    refer(alice, 1)
    referral = Referral.objects.get(referred_user=bob.user)
    turn(referral, "held")
    deliver(refund(payment, 1000))

    decide(referral.pk, by=reviewer(), note="I asked both.", now=timezone.now())

    assert (alice.balance(), reserved(budget)) == ("10.00", "20.00")


def test_a_disputed_bonus_stays_reserved_and_is_paid_again(
    budget: Program, alice: Person, bob: Person, charlie: Person
) -> None:
    payment = settle(bob.user)
    deliver(dispute(payment, 1000))
    while_disputed = reserved(budget)
    refer(alice, 1)
    late = settle(register("late", code=alice.code).user)

    deliver(dispute(payment, 1000, "won"))

    assert (while_disputed, late.bonus_decision) == ("20.00", "budget_spent")
    assert (alice.balance(), reserved(budget)) == ("20.00", "40.00")


@pytest.mark.parametrize("change", [{"budget": 999}, {"max_uses": 99}, {"referrer_bonus": 1}])
def test_the_database_refuses_to_rewrite_terms(budget: Program, change: dict[str, int]) -> None:
    with pytest.raises(IntegrityError, match="terms are never edited"), transaction.atomic():
        Program.objects.filter(pk=budget.pk).update(**change)
    with pytest.raises(IntegrityError, match="started are never deleted"), transaction.atomic():
        budget.delete()


def pay(payment: Payment) -> str:
    outcome: str = deliver(event(payment)).json()["outcome"]
    return outcome


def buyers(referrers: list[Person]) -> list[Payment]:
    """Return a pending payment of one friend of each."""
    friends = [register(f"friend_of_{one.user.username}", code=one.code) for one in referrers]
    return [pending_payment(friend.user) for friend in friends]


@pytest.mark.django_db(transaction=True)
def test_simultaneous_awards_do_not_exceed_the_budget(quiet: None) -> None:
    referrers = [register(f"referrer{n}") for n in range(12)]
    budget = ProgramFactory.create(budget=Decimal("100.00"))

    outcomes = at_once(*(partial(pay, payment) for payment in buyers(referrers)))

    assert set(outcomes) == {"settled"}
    assert (reserved(budget), Referral.objects.count()) == ("100.00", 5)
    assert Payment.objects.filter(bonus_decision="budget_spent").count() == 7


def reserve_what_was_read(terms: Program) -> bool:
    """Read the budget, then write it: the race that loses money."""
    if terms.budget is None or terms.budget - terms.reserved < terms.award:
        return False
    Program.objects.filter(pk=terms.pk).update(reserved=terms.reserved + terms.award)
    return True


@pytest.mark.django_db(transaction=True)
@pytest.mark.negative_control
def test_a_reservation_that_reads_and_then_writes_exceeds_the_budget(
    quiet: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bonuses, "reserve_award", meeting(reserve_what_was_read))
    referrers = [register(name) for name in ("alice", "charlie")]
    ProgramFactory.create(budget=Decimal("30.00"))

    at_once(*(partial(pay, payment) for payment in buyers(referrers)))

    assert Referral.objects.filter(status="completed").count() == 2
