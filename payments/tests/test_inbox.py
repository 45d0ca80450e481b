"""The inbox stores every event as it arrived, and processes it once.

What it does with an error is test_crash's.
"""

import json
from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import pytest
from django.utils import timezone

from accounts import audit
from accounts.models import LedgerEntry
from accounts.tests.factories import Person, reviewer
from payments import inbox
from payments.models import Payment, StripeEvent
from payments.reports.action_items import count_waiting
from payments.tests.stripe_events import (
    deliver,
    envelope,
    event,
    failed_event,
    pending_payment,
    quarantined_event,
    refund,
    resolve,
    send,
    settle,
)
from referrals import bonuses

Change = Callable[[dict[str, Any]], object]
ODD_TEXTS = ["\x00", "a\x00b", float("nan"), float("inf"), -float("inf"), "\ud800", "\udfff\ud800"]


def test_an_event_is_kept_byte_for_byte(db: None) -> None:
    body = json.dumps(envelope("customer.created", {"name": "Zoë"}), indent=3).encode()

    send(body)

    assert bytes(StripeEvent.objects.get().body) == body


@pytest.mark.parametrize(
    "kind",
    [
        "customer.created",
        "v1.billing.meter.no_such_thing",
        "v2.core.account[configuration.recipient].updated",
        "v2.core.event_destination.Ping-2:x",
        255 * "x",
    ],
    ids=str,
)
def test_a_type_that_we_do_not_handle_is_stored_as_ignored(db: None, kind: str) -> None:
    response = deliver(envelope(kind, {"id": "cus_1"}))

    kept = StripeEvent.objects.get()
    assert (response.status_code, response.json()["outcome"]) == (200, "ignored")
    assert (kept.event_type, kept.outcome, kept.attempts) == (kind, "ignored", 1)
    assert kept.processed_at


@pytest.mark.parametrize("odd", ODD_TEXTS, ids=ascii)
def test_json_that_jsonb_refuses_settles_once(alice: Person, odd: Any) -> None:
    paid = event(pending_payment(alice.user), customer_details={"name": odd}, description=odd)

    answers = [deliver(paid) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert alice.balance() == "10.00"
    assert StripeEvent.objects.count() == 1


@pytest.mark.parametrize(
    "field",
    [
        *("id", "mode", "payment_status", "amount_total", "currency", "payment_intent"),
        *("metadata", "expires_at"),
    ],
)
def test_odd_text_in_a_field_is_never_an_error(alice: Person, field: str) -> None:
    for odd in ODD_TEXTS:
        changes: dict[str, Any] = {field: odd}
        response = deliver(event(pending_payment(alice.user), **changes))

        assert response.status_code == 200
        assert response.json()["outcome"] in {"quarantined", "settled"}


def without(field: str) -> Change:
    """Leave a field of the session out."""
    return lambda sent: sent["data"]["object"].pop(field)


def with_metadata(metadata: object) -> Change:
    return lambda sent: sent["data"]["object"].update(metadata=metadata)


def instead(**fields: object) -> Change:
    """Replace fields of the event."""
    return lambda sent: sent.update(fields)


FIELDS = ["id", "mode", "payment_status", "amount_total", "currency", "livemode", "expires_at"]
NO_OBJECTS: list[Any] = [{}, {"object": None}, {"object": []}, {"object": "cs_test_1"}]
NOT_OURS: list[Any] = [None, {}, [], "text", {"program": "shop"}, {"user_id": {}, "payment_id": []}]
MISFITS: list[tuple[Change, str]] = [
    *((instead(livemode=mode), "livemode") for mode in (True, None, "false", 0)),
    *((without(field), field) for field in FIELDS),
    *((instead(data=data), "") for data in (None, [], "cs_test_1", *NO_OBJECTS)),
    (lambda sent: sent.pop("data"), ""),
    *((with_metadata(metadata), "") for metadata in NOT_OURS),
]


@pytest.mark.parametrize(("change", "reason"), MISFITS)
def test_an_event_that_is_incomplete_or_not_ours_is_quarantined(
    alice: Person, change: Change, reason: str
) -> None:
    sent = event(pending_payment(alice.user))
    change(sent)

    response = deliver(sent)

    assert (response.status_code, response.json()["outcome"]) == (200, "quarantined")
    assert reason in StripeEvent.objects.get().reason
    assert not LedgerEntry.objects.exists()


def test_a_test_event_is_quarantined_where_money_is_live(alice: Person, settings: Any) -> None:
    settings.STRIPE_LIVEMODE = True

    assert deliver(event(pending_payment(alice.user))).json()["outcome"] == "quarantined"
    assert StripeEvent.objects.get().reason.startswith("livemode")
    assert alice.balance() == "0.00"


@pytest.mark.django_db(transaction=True)
def test_a_quarantined_event_stays_so_until_it_is_resolved_once_with_who_and_why(
    alice: Person,
) -> None:
    row = quarantined_event(pending_payment(alice.user))
    assert send(bytes(row.body)).json()["outcome"] == "quarantined"
    assert StripeEvent.objects.get().attempts == 1

    for _ in range(2):
        assert resolve(row, by=reviewer()).outcome == "resolved"

    [entry] = audit.of(row)
    assert (entry.action, str(entry.by), entry.reason) == (
        "resolve event",
        "rita",
        "Paid back at Stripe",
    )
    assert entry.before["outcome"] == "quarantined"
    assert count_waiting(now=timezone.now()).quarantined_events == 0
    # It is neither replayed nor delivered again, even if it would fit by now.
    Payment.objects.update(amount=700)
    replayed = inbox.replay(row.event_id, by=reviewer(), reason="Once more", now=timezone.now())
    again = send(bytes(row.body))
    assert (replayed.outcome, again.json()["outcome"]) == ("resolved", "resolved")
    assert alice.balance() == "0.00"


def test_a_resolved_refund_takes_nothing_back_when_it_comes_again(
    alice: Person, settings: Any
) -> None:
    refunded = refund(settle(alice.user), 400)
    settings.STRIPE_LIVEMODE = True
    deliver(refunded)
    resolve(StripeEvent.objects.get(event_id=refunded["id"]))
    settings.STRIPE_LIVEMODE = False

    assert deliver(refunded).json()["outcome"] == "resolved"
    assert alice.balance() == "10.00"


@pytest.mark.parametrize("make", [failed_event, lambda own: settle(own.user).stripe_events.get()])
def test_only_what_is_quarantined_is_resolved(
    alice: Person, make: Callable[[Payment], StripeEvent]
) -> None:
    row = make(pending_payment(alice.user))

    with pytest.raises(inbox.NotQuarantinedError):
        resolve(row)

    assert not audit.of(row).exists()


def test_a_long_reason_and_a_long_error_are_cut(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(event(pending_payment(alice.user), mode="x" * 10_000))
    monkeypatch.setattr(bonuses, "award", Mock(side_effect=ValueError("x" * 10_000)))
    assert deliver(event(pending_payment(alice.user))).status_code == 500

    odd, failed = StripeEvent.objects.order_by("pk")
    assert (len(odd.reason), len(failed.last_error)) == (500, 2000)
