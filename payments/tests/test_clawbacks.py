"""Refunds and disputes take credits back, never too much, in any order (CONTRACT 2.7)."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.tests.factories import Person, give
from payments.models import Clawback, Payment
from payments.tests.stripe_events import deliver, dispute, event, pending_payment, refund, settle
from referrals.models import Referral


def outcome(event: Any) -> str:
    answer = deliver(event)
    assert answer.status_code == 200, answer.content
    name: str = answer.json()["outcome"]
    return name


def end_of(alice: Person, bob: Person) -> tuple[str, str, str]:
    return alice.balance(), bob.balance(), Referral.objects.get().status


def test_a_full_refund_takes_back_the_purchase_and_both_bonuses(alice: Person, bob: Person) -> None:
    payment = settle(bob.user, 1000)

    assert outcome(refund(payment, 1000)) == "applied"

    assert end_of(alice, bob) == ("0.00", "0.00", "reversed")


def test_a_refund_that_leaves_enough_leaves_the_bonuses(alice: Person, bob: Person) -> None:
    payment = settle(bob.user, 1500)

    deliver(refund(payment, 500))

    assert end_of(alice, bob) == ("10.00", "20.00", "completed")


def test_a_cent_below_the_minimum_takes_back_both_bonuses(alice: Person, bob: Person) -> None:
    payment = settle(bob.user, 1500)

    deliver(refund(payment, 501))

    assert end_of(alice, bob) == ("0.00", "9.99", "reversed")


def test_partial_refunds_are_known_by_their_ids(alice: Person, bob: Person) -> None:
    payment = settle(bob.user, 5000)

    for name in ("1", "2", "1", "2"):
        deliver(refund(payment, 2000, name=name))

    assert end_of(alice, bob) == ("10.00", "20.00", "completed")


def test_only_a_succeeded_refund_takes_anything(alice: Person, bob: Person) -> None:
    payment = settle(bob.user, 1000)

    deliver(refund(payment, 1000, "pending"))
    before = end_of(alice, bob)
    deliver(refund(payment, 1000, "succeeded"))

    assert before == ("10.00", "20.00", "completed")
    assert end_of(alice, bob) == ("0.00", "0.00", "reversed")


def test_a_refund_that_fails_later_is_undone(alice: Person, bob: Person) -> None:
    payment = settle(bob.user, 1000)
    deliver(refund(payment, 1000))

    deliver(refund(payment, 1000, "failed"))

    assert end_of(alice, bob) == ("10.00", "20.00", "completed")


def test_the_use_stays_used_and_the_flag_set(alice: Person, bob: Person) -> None:
    payment = settle(bob.user, 1000)
    deliver(refund(payment, 1000))

    settle(bob.user, 1000)

    assert end_of(alice, bob) == ("0.00", "10.00", "reversed")
    assert alice.api.get("/referral/stats").json()["total_uses"] == 1
    assert alice.api.get("/referral/stats").json()["total_earned"] == 0.0


def test_a_dispute_takes_its_amount_and_both_bonuses(alice: Person, bob: Person) -> None:
    payment = settle(bob.user, 5000)

    deliver(dispute(payment, 1000))

    assert end_of(alice, bob) == ("0.00", "40.00", "reversed")


@pytest.mark.parametrize(
    ("verdict", "end"),
    [
        ("won", ("10.00", "20.00", "completed")),
        ("warning_closed", ("10.00", "20.00", "completed")),
        ("lost", ("0.00", "0.00", "reversed")),
    ],
)
def test_a_dispute_is_reinstated_only_when_it_is_won(
    alice: Person, bob: Person, verdict: str, end: tuple[str, str, str]
) -> None:
    payment = settle(bob.user, 1000)
    deliver(dispute(payment, 1000))

    for _ in range(2):
        deliver(dispute(payment, 1000, verdict))

    assert end_of(alice, bob) == end


def test_a_late_created_event_does_not_reopen_a_dispute(alice: Person, bob: Person) -> None:
    payment = settle(bob.user, 1000)

    deliver(dispute(payment, 1000, "won"))
    deliver(dispute(payment, 1000))

    assert end_of(alice, bob) == ("10.00", "20.00", "completed")


def test_refund_and_dispute_together_take_no_more_than_was_given(
    alice: Person, bob: Person
) -> None:
    payment = settle(bob.user, 2000)
    deliver(refund(payment, 1500))
    deliver(dispute(payment, 2000))

    payment.refresh_from_db()
    assert payment.taken_back == 2000
    assert end_of(alice, bob) == ("0.00", "0.00", "reversed")


def test_a_refund_takes_its_share_once_the_dispute_is_won(alice: Person, bob: Person) -> None:
    payment = settle(bob.user, 3000)
    deliver(dispute(payment, 3000))
    deliver(refund(payment, 1500))

    deliver(dispute(payment, 3000, "won"))

    assert end_of(alice, bob) == ("10.00", "25.00", "completed")


def test_a_dispute_takes_the_rest_once_a_refund_fails(alice: Person, bob: Person) -> None:
    paid = settle(bob.user, 1000)
    for news in (refund(paid, 400), dispute(paid, 1000), refund(paid, 400, "failed")):
        deliver(news)

    paid.refresh_from_db()
    assert (alice.balance(), bob.balance(), paid.taken_back) == ("0.00", "0.00", 1000)


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


@pytest.mark.parametrize(
    "changes",
    [
        {"currency": "eur"},
        {"amount": 0},
        {"amount": -5},
        {"amount": 2**31},
        {"amount": 10.0},
        {"payment_intent": None},
        {"status": "confused"},
        {"id": "re\x00"},
    ],
)
def test_an_invalid_refund_is_quarantined(bob: Person, changes: dict[str, Any]) -> None:
    paid = settle(bob.user, 1000)
    strange = refund(paid, 1000)
    strange["data"]["object"] |= changes

    assert outcome(strange) == "quarantined"

    assert bob.balance() == "20.00"
    assert not Clawback.objects.exists()


def test_a_refund_that_changes_its_amount_is_quarantined(bob: Person) -> None:
    paid = settle(bob.user, 3000)
    deliver(refund(paid, 1000))

    assert outcome(refund(paid, 2000)) == "quarantined"

    assert bob.balance() == "30.00"


@pytest.mark.parametrize(
    "strange",
    [
        lambda paid, other: dispute(paid, 1000) | {"data": refund(paid, 1000)["data"]},
        lambda paid, other: (
            dispute(paid, 1000)
            | {"data": {"object": dispute(paid, 1000)["data"]["object"] | _id_of_refund(paid)}}
        ),
        lambda paid, other: (
            refund(paid, 1000)
            | {"data": {"object": refund(paid, 1000)["data"]["object"] | _of(other)}}
        ),
    ],
    ids=["in the event of a dispute", "as the id of a dispute", "of another purchase"],
)
def test_a_refund_whose_kind_or_payment_changes_is_quarantined(
    bob: Person, charlie: Person, strange: Callable[[Payment, Payment], Any]
) -> None:
    paid, other = settle(bob.user, 1000), settle(charlie.user, 1000)
    deliver(refund(paid, 1000, "pending"))

    assert outcome(strange(paid, other)) == "quarantined"

    assert (bob.balance(), charlie.balance()) == ("20.00", "10.00")


def _id_of_refund(payment: Payment) -> dict[str, str]:
    return {"id": refund(payment, 1000)["data"]["object"]["id"]}


def _of(payment: Payment) -> dict[str, str]:
    return {"payment_intent": str(payment.payment_intent_id)}


def test_a_dispute_that_is_lost_can_be_won_on_appeal(alice: Person, bob: Person) -> None:
    payment = settle(bob.user, 1000)

    for status in ("needs_response", "lost", "appeal_under_review", "won"):
        deliver(dispute(payment, 1000, status))

    assert end_of(alice, bob) == ("10.00", "20.00", "completed")


def test_a_dispute_takes_back_its_latest_amount(alice: Person, bob: Person) -> None:
    payment = settle(bob.user, 3000)

    deliver(dispute(payment, 3000))
    deliver(dispute(payment, 1000, "lost"))

    assert end_of(alice, bob) == ("0.00", "20.00", "reversed")
