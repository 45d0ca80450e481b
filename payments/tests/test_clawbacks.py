"""Refunds and disputes take credits back, never too much, in any order (CONTRACT 2.7)."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import LedgerEntry
from accounts.tests.factories import Person, give
from payments.models import Clawback, Payment
from payments.tests.stripe_events import (
    deliver,
    dispute,
    event,
    pending_payment,
    refund,
    report,
    settle,
)
from referrals.models import Referral


def outcome(event: Any) -> str:
    answer = deliver(event)
    assert answer.status_code == 200, answer.content
    name: str = answer.json()["outcome"]
    return name


def changed(sent: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return the event with other fields of its refund or dispute."""
    sent["data"]["object"] |= fields
    return sent


def end_of(alice: Person, bob: Person) -> tuple[str, str, str]:
    return alice.balance(), bob.balance(), Referral.objects.get().status


@pytest.mark.parametrize(
    ("cents", "events", "end"),
    [
        pytest.param(cents, events, tuple(end.split()), id=name)
        for name, cents, events, end in (
            ("all of it", 1000, "refund 1000", "0.00 0.00 reversed"),
            ("leaves the minimum", 1500, "refund 500", "10.00 20.00 completed"),
            ("a cent below the minimum", 1500, "refund 501", "0.00 9.99 reversed"),
            (
                "two parts, known by their ids",
                5000,
                "refund 2000, refund 2000 succeeded 2, refund 2000, refund 2000 succeeded 2",
                "10.00 20.00 completed",
            ),
            ("not done yet", 1000, "refund 1000 pending", "10.00 20.00 completed"),
            ("done", 1000, "refund 1000 pending, refund 1000", "0.00 0.00 reversed"),
            ("failed later", 1000, "refund 1000, refund 1000 failed", "10.00 20.00 completed"),
            ("disputed in part", 5000, "dispute 1000", "0.00 40.00 reversed"),
            ("won", 1000, "dispute 1000, " + 2 * "dispute 1000 won, ", "10.00 20.00 completed"),
            (
                "dismissed",
                1000,
                "dispute 1000, " + 2 * "dispute 1000 warning_closed, ",
                "10.00 20.00 completed",
            ),
            ("lost", 1000, "dispute 1000, " + 2 * "dispute 1000 lost, ", "0.00 0.00 reversed"),
            ("opened late", 1000, "dispute 1000 won, dispute 1000", "10.00 20.00 completed"),
            (
                "won on appeal",
                1000,
                "dispute 1000, dispute 1000 lost, dispute 1000 appeal_under_review,"
                " dispute 1000 won",
                "10.00 20.00 completed",
            ),
            ("the latest amount", 3000, "dispute 3000, dispute 1000 lost", "0.00 20.00 reversed"),
            ("no more than was given", 2000, "refund 1500, dispute 2000", "0.00 0.00 reversed"),
            (
                "the refund's share, once the dispute is won",
                3000,
                "dispute 3000, refund 1500, dispute 3000 won",
                "10.00 25.00 completed",
            ),
            (
                "the rest for the dispute, once the refund fails",
                1000,
                "refund 400, dispute 1000, refund 400 failed",
                "0.00 0.00 reversed",
            ),
        )
    ],
)
def test_a_refund_or_dispute_takes_back_what_is_due(
    alice: Person, bob: Person, cents: int, events: str, end: tuple[str, str, str]
) -> None:
    payment = settle(bob.user, cents)

    report(payment, events)

    assert end_of(alice, bob) == end


def test_the_use_stays_used_and_the_flag_set(alice: Person, bob: Person) -> None:
    payment = settle(bob.user, 1000)
    deliver(refund(payment, 1000))

    settle(bob.user, 1000)

    assert end_of(alice, bob) == ("0.00", "10.00", "reversed")
    assert alice.api.get("/referral/stats").json()["total_uses"] == 1
    assert alice.api.get("/referral/stats").json()["total_earned"] == 0.0


def test_a_balance_goes_below_zero_and_is_filled_first(charlie: Person) -> None:
    refunded = settle(charlie.user, 1000)
    give(charlie, "-7.50")

    deliver(refund(refunded, 1000))
    debt = charlie.api.get("/user/balance").json()["credits"]
    settle(charlie.user, 500)

    assert (debt, charlie.balance()) == (-7.5, "-2.50")


def test_a_refund_before_its_purchase_waits_for_it(alice: Person, bob: Person) -> None:
    payment = pending_payment(bob.user, 1000)

    first = outcome(refund(payment, 1000))
    second = outcome(event(payment))

    assert (first, second) == ("deferred", "settled")
    assert end_of(alice, bob) == ("0.00", "0.00", "reversed")


def test_the_smallest_and_the_largest_refund_are_applied_and_each_posts_once(
    charlie: Person,
) -> None:
    paid = settle(charlie.user, 1000)

    for _ in range(2):
        assert outcome(refund(paid, 1)) == "applied"
    assert charlie.balance() == "9.99"
    assert outcome(refund(paid, 2**31 - 1, name="2")) == "applied"

    assert charlie.balance() == "0.00"
    keys = LedgerEntry.objects.order_by("pk").values_list("idempotency_key", flat=True)
    assert list(keys) == [
        f"purchase:payment:{paid.pk}",
        *(f"refund:re_{name}_{paid.pk}:1" for name in ("1", "2")),
    ]


@pytest.mark.parametrize(
    "changes",
    [
        *({"amount": odd} for odd in (0, -5, 2**31, 10.0)),
        *({"currency": "eur"}, {"payment_intent": 7}, {"status": "confused"}, {"id": "re\x00"}),
    ],
)
def test_an_invalid_refund_is_quarantined(bob: Person, changes: dict[str, Any]) -> None:
    paid = settle(bob.user, 1000)

    assert outcome(changed(refund(paid, 1000), **changes)) == "quarantined"

    assert bob.balance() == "20.00"
    assert not Clawback.objects.exists()


@pytest.mark.parametrize(
    "strange",
    [
        lambda paid, other: changed(dispute(paid, 1000), **refund(paid, 1000)["data"]["object"]),
        lambda paid, other: changed(dispute(paid, 1000), id=f"re_1_{paid.pk}"),
        lambda paid, other: changed(refund(paid, 1000), payment_intent=other.payment_intent_id),
        lambda paid, other: refund(paid, 900),
        lambda paid, other: refund(paid, 1001),
    ],
    ids=[
        *("in the event of a dispute", "as the id of a dispute", "of another purchase"),
        *("of a smaller amount", "of a larger amount"),
    ],
)
def test_a_refund_whose_kind_payment_or_amount_changes_is_quarantined(
    bob: Person, charlie: Person, strange: Callable[[Payment, Payment], Any]
) -> None:
    paid, other = settle(bob.user, 1000), settle(charlie.user, 1000)
    deliver(refund(paid, 1000, "pending"))

    assert outcome(strange(paid, other)) == "quarantined"

    assert (bob.balance(), charlie.balance()) == ("20.00", "10.00")
