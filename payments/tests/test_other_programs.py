"""Another program sells by the same Stripe account: what is its own is ignored, with no alarm."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts.tests.factories import Person
from payments import reconciliation, stripe_gateway, tasks
from payments.inbox import HANDLERS, close_deferred
from payments.models import Clawback, Payment, StripeEvent
from payments.stripe_objects import MARK
from payments.tests.sandbox_purchases import pay
from payments.tests.stripe_events import (
    deliver,
    dispute,
    event,
    lose_answer,
    pending_payment,
    refund,
    settle,
)

KINDS = [kind for kind in HANDLERS if kind.startswith("checkout.session.")]


def theirs(payment: Payment, kind: str = KINDS[0], **changes: Any) -> dict[str, Any]:
    """Return an event about a session that Stripe made for somebody else."""
    return event(payment, kind, **{"id": "cs_live_theirs", **changes})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "metadata",
    [None, {}, [], {"program": "shop"}, {"program": {}, "payment_id": "1", "user_id": "1"}],
    ids=str,
)
def test_a_session_without_our_mark_is_ignored(bob: Person, kind: str, metadata: Any) -> None:
    response = deliver(theirs(pending_payment(bob.user), kind, metadata=metadata))

    kept = StripeEvent.objects.get()
    assert (response.status_code, response.json()["outcome"]) == (200, "ignored")
    assert (kept.outcome, kept.reason) == ("ignored", "the purchase is another program's")
    assert bob.balance() == "0.00"


def test_one_that_is_no_purchase_too_but_one_with_our_mark_needs_somebody(bob: Person) -> None:
    payment = pending_payment(bob.user)
    subscription = theirs(payment, metadata={}, mode="subscription", amount_total=None, id="\ud800")

    assert deliver(subscription).json()["outcome"] == "ignored"
    assert deliver(theirs(payment, metadata=MARK)).json()["outcome"] == "quarantined"


@pytest.mark.parametrize(
    ("is_lost", "is_from_before", "outcome"),
    [(False, True, "settled"), (True, True, "settled"), (True, False, "ignored")],
    ids=str,
)
def test_a_session_from_before_the_mark_settles_even_if_its_answer_was_lost(
    alice: Person, bob: Person, is_lost: bool, is_from_before: bool, outcome: str
) -> None:
    """A payment of today has a key at Stripe, and its session has our mark."""
    payment = pending_payment(bob.user)
    unmarked = {"payment_id": str(payment.pk), "user_id": str(bob.user.pk)}
    if is_lost:
        lose_answer(payment)
    if is_from_before:
        Payment.objects.update(stripe_key=None)

    assert deliver(event(payment, metadata=unmarked)).json()["outcome"] == outcome
    is_settled = outcome == "settled"
    assert (alice.balance(), bob.balance()) == (("10.00", "20.00") if is_settled else ("0.00",) * 2)


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(("metadata", "is_ours"), [({}, False), (MARK, True)], ids=str)
def test_the_comparison_with_stripe_leaves_them_out(
    bob: Person, monkeypatch: pytest.MonkeyPatch, metadata: dict[str, str], is_ours: bool
) -> None:
    older = pay(bob)
    monkeypatch.setattr(stripe_gateway, "MARK", metadata)
    payment = pay(bob)
    Payment.objects.all().delete()

    differences = reconciliation.differences(since=timezone.now() - timedelta(hours=1))

    found = {one.stripe_id for one in differences}
    assert older.session_id in found
    assert (payment.session_id in found) is is_ours


@pytest.mark.parametrize("make", [refund, dispute])
@pytest.mark.parametrize(
    "changes",
    [{"payment_intent": None}, {"currency": "eur"}, {"currency": "jpy", "amount": 2**40}],
    ids=str,
)
def test_a_refund_or_dispute_that_cannot_be_ours_is_ignored(
    bob: Person, make: Any, changes: dict[str, Any]
) -> None:
    strange = make(pending_payment(bob.user), 1000)
    strange["data"]["object"] |= changes

    assert deliver(strange).json()["outcome"] == "ignored"
    assert not Clawback.objects.exists()


def test_a_refund_of_ours_or_one_that_names_no_payment_intent_at_all_needs_somebody(
    bob: Person,
) -> None:
    paid = settle(bob.user)
    deliver(refund(paid, 100))
    in_euros, strange = refund(paid, 100, "failed"), refund(pending_payment(bob.user), 1000)
    in_euros["data"]["object"] |= {"currency": "eur", "payment_intent": None}
    del strange["data"]["object"]["payment_intent"]

    for sent in (in_euros, strange):
        assert deliver(sent).json()["outcome"] == "quarantined"


def close_deferred_after(**time: int) -> list[tuple[str, int | None]]:
    """Run the job this long after the last event was received."""
    received_at = StripeEvent.objects.latest("pk").received_at
    with time_machine.travel(received_at + timedelta(**time), tick=False):
        tasks.close_deferred_events(0)
    return list(StripeEvent.objects.order_by("pk").values_list("outcome", "payment"))


def test_one_of_an_unknown_purchase_is_ignored_after_thirty_days(bob: Person) -> None:
    payment = pending_payment(bob.user, 1000)
    deliver(refund(payment, 1000))

    first, then = close_deferred_after(days=30), close_deferred_after(days=30, seconds=1)
    deliver(event(payment))

    assert (first, then) == ([("deferred", None)], [("ignored", None)])
    assert bob.balance() == "0.00"


def test_one_whose_purchase_settled_is_no_longer_deferred(bob: Person) -> None:
    waiting, payment = (pending_payment(bob.user, 1000) for _ in range(2))
    for one in (waiting, payment):
        deliver(refund(one, 1000))
    deliver(event(payment))

    assert close_deferred_after(days=1) == [
        ("deferred", None),
        ("applied", payment.pk),
        ("settled", payment.pk),
    ]
    assert close_deferred(now=timezone.now()) == 0
