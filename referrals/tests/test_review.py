"""A bonus that looks like self-dealing waits for an operator, who pays it once or never."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from itertools import combinations
from typing import Any

import pytest
from django.contrib.auth.models import Group

from accounts import audit
from accounts.models import LedgerEntry
from accounts.tests.factories import Person, reviewer
from payments.models import Payment
from payments.tests.stripe_events import (
    deliver,
    dispute,
    event,
    pending_payment,
    refund,
    settle,
    turn,
)
from referrals import review
from referrals.models import Referral

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def one_mailbox(alice: Person, bob: Person) -> None:
    """Give Alice and Bob two addresses of one mailbox."""
    for person, email in ((alice, "alice@gmail.com"), (bob, "A.Lice+bob@googlemail.com")):
        person.change(email=email)


@pytest.fixture
def held(one_mailbox: None, bob: Person) -> Referral:
    settle(bob.user)
    return Referral.objects.get()


def release(referral: Referral, note: str = "They share an inbox.") -> Referral:
    return review.release(referral.pk, by=reviewer(), note=note, now=NOW)


def void(referral: Referral, note: str = "It is one person.") -> Referral:
    return review.void(referral.pk, by=reviewer(), note=note, now=NOW)


def hold(referral: Referral) -> Referral:
    return review.hold(referral.pk, reason="one card on both sides", now=NOW)


def end_of(alice: Person, bob: Person) -> tuple[str, str, str]:
    return Referral.objects.get().status, alice.balance(), bob.balance()


@pytest.mark.usefixtures("one_mailbox")
def test_two_addresses_of_one_mailbox_make_a_use_that_earns_nothing_yet(
    alice: Person, bob: Person
) -> None:
    payment = settle(bob.user)
    stats = alice.api.get("/referral/stats").json()

    assert payment.bonus_decision == "held"
    assert end_of(alice, bob) == ("held", "0.00", "10.00")
    assert hold(Referral.objects.get()).hold_reason == "both e-mails are one mailbox"
    bob.user.refresh_from_db()
    assert bob.user.has_made_first_purchase
    assert (stats["total_uses"], stats["remaining_uses"]) == (1, 9)
    assert (stats["total_earned"], stats["pending_referrals"]) == (0.0, 0)
    assert [(one["status"], one["bonus_earned"]) for one in stats["referrals"]] == [("held", 0.0)]
    assert settle(bob.user).bonus_decision == "not_first"
    assert end_of(alice, bob) == ("held", "0.00", "20.00")


def test_releasing_pays_both_sides_and_keeps_who_and_why(
    alice: Person, bob: Person, held: Referral
) -> None:
    decided = release(held, "  They share an inbox. ")

    assert end_of(alice, bob) == ("completed", "10.00", "20.00")
    assert alice.api.get("/referral/stats").json()["total_earned"] == 10.0
    decided.refresh_from_db()
    assert (decided.reviewed_by, decided.reviewed_at) == (reviewer(), NOW)
    assert decided.review_note == "They share an inbox."
    bonuses = LedgerEntry.objects.filter(kind__endswith="_bonus")
    assert [entry.posted_by for entry in bonuses] == [reviewer()] * 2


@pytest.mark.parametrize(
    ("first", "end"),
    [(release, ("completed", "10.00", "20.00")), (void, ("voided", "0.00", "10.00"))],
)
def test_a_held_bonus_is_decided_once(
    alice: Person, bob: Person, held: Referral, first: Any, end: tuple[str, str, str]
) -> None:
    first(held)

    for second in (release, void):
        with pytest.raises(review.NotHeldError):
            second(held)
    hold(held)

    assert end_of(alice, bob) == end


@pytest.mark.parametrize("decide", [release, void])
def test_only_a_held_bonus_can_be_decided(alice: Person, bob: Person, decide: Any) -> None:
    settle(bob.user)

    with pytest.raises(review.NotHeldError):
        decide(Referral.objects.get())

    assert end_of(alice, bob) == ("completed", "10.00", "20.00")


@pytest.mark.parametrize("decide", [release, void])
def test_a_decision_needs_a_reason(alice: Person, bob: Person, held: Referral, decide: Any) -> None:
    for note in ("", " ", "\n\t"):
        with pytest.raises(audit.ReasonMissingError):
            decide(held, note)

    assert end_of(alice, bob) == ("held", "0.00", "10.00")


@pytest.mark.parametrize(
    ("before", "decide"),
    [
        ("completed", partial(review.hold, reason="a ring")),
        ("held", review.release),
        ("held", review.void),
    ],
)
@pytest.mark.parametrize("side", ["referrer", "referred_user"])
def test_nobody_decides_on_their_own_bonus(
    bob: Person, before: str, decide: Any, side: str
) -> None:
    settle(bob.user)
    referral = Referral.objects.get()
    turn(referral, before)
    receiver = getattr(referral, side)
    receiver.groups.add(Group.objects.get(name="Finance"))

    with pytest.raises(review.OwnBonusError):
        decide(referral.pk, by=receiver, note="It is mine.", now=NOW)

    referral.refresh_from_db()
    assert referral.status == before


def test_a_hold_takes_back_what_was_paid_once(alice: Person, bob: Person) -> None:
    settle(bob.user)

    for _ in range(2):
        hold(Referral.objects.get())

    assert end_of(alice, bob) == ("held", "0.00", "10.00")
    assert LedgerEntry.objects.filter(kind="reversal").count() == 2


# What operators and the card job do to the referral of a purchase, and what Stripe reports of it.
ACTS: dict[str, Callable[[Payment], Any]] = {
    "held": lambda payment: hold(Referral.objects.get()),
    "released": lambda payment: release(Referral.objects.get()),
    "voided": lambda payment: void(Referral.objects.get()),
    "refunded": lambda payment: deliver(refund(payment, 1000)),
    "refund failed": lambda payment: deliver(refund(payment, 1000, "failed")),
    "disputed": lambda payment: deliver(dispute(payment, 1000)),
    "won": lambda payment: deliver(dispute(payment, 1000, "won")),
    "lost": lambda payment: deliver(dispute(payment, 1000, "lost")),
}

ENDS = {
    ("held",): {
        (): ("held", "0.00", "10.00"),
        ("refunded",): ("reversed", "0.00", "0.00"),
        ("refunded", "refund failed"): ("held", "0.00", "10.00"),
        ("disputed",): ("reversed", "0.00", "0.00"),
        ("disputed", "won"): ("held", "0.00", "10.00"),
        ("disputed", "lost"): ("reversed", "0.00", "0.00"),
    },
    ("held", "released"): {
        ("refunded",): ("reversed", "0.00", "0.00"),
        ("refunded", "refund failed"): ("completed", "10.00", "20.00"),
        ("disputed", "won"): ("completed", "10.00", "20.00"),
        ("disputed", "lost"): ("reversed", "0.00", "0.00"),
    },
    ("held", "voided"): {
        ("refunded",): ("voided", "0.00", "0.00"),
        ("refunded", "refund failed"): ("voided", "0.00", "10.00"),
        ("disputed", "won"): ("voided", "0.00", "10.00"),
        ("disputed", "lost"): ("voided", "0.00", "0.00"),
    },
}


def interleaved(ours: tuple[str, ...], stripes: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return every interleaving of both sequences."""
    length = len(ours) + len(stripes)
    orders = []
    for places in combinations(range(length), len(ours)):
        mine, theirs = iter(ours), iter(stripes)
        orders.append(tuple(next(mine if n in places else theirs) for n in range(length)))
    return orders


@pytest.mark.slow
@pytest.mark.parametrize(
    ("story", "end"),
    [
        (story, end)
        for ours, ends in ENDS.items()
        for stripes, end in ends.items()
        for story in interleaved(ours, stripes)
    ],
    ids=", ".join,
)
def test_reviews_and_refunds_and_disputes_end_the_same_in_any_order(
    alice: Person, bob: Person, story: tuple[str, ...], end: tuple[str, str, str]
) -> None:
    payment = settle(bob.user)

    for act in story:
        ACTS[act](payment)

    assert end_of(alice, bob) == end


@pytest.mark.usefixtures("one_mailbox")
def test_a_refund_that_came_before_a_purchase_that_is_held_stays_held_when_it_fails(
    alice: Person, bob: Person
) -> None:
    payment = pending_payment(bob.user)
    deliver(refund(payment, 1000))
    deliver(event(payment))
    before = end_of(alice, bob)

    deliver(refund(payment, 1000, "failed"))

    assert before == ("reversed", "0.00", "0.00")
    assert end_of(alice, bob) == ("held", "0.00", "10.00")


@pytest.mark.parametrize(
    ("decide", "action", "status", "bonus"),
    [
        (release, "release bonus", "completed", "10.00"),
        (void, "void bonus", "voided", "0"),
    ],
)
def test_a_decision_is_in_the_audit_log(
    held: Referral, decide: Callable[..., Referral], action: str, status: str, bonus: str
) -> None:
    decide(held, "I asked both.")

    entry = audit.of(held).get()
    assert (entry.action, entry.by, entry.reason) == (action, reviewer(), "I asked both.")
    assert (entry.before["status"], entry.before["review"]) == ("held", "held")
    assert entry.after["status"] == status
    assert (entry.after["referrer_bonus"], entry.after["referee_bonus"]) == (bonus, bonus)
