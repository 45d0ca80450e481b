"""The events with which Stripe reports on the demo's purchases: which, how often, and as JSON."""

import json
from datetime import datetime, timedelta

from django.conf import settings

from payments.models import Payment
from payments.stripe_gateway import API_VERSION, MARK

Json = dict[str, object]
# Days to wait before the event, its type, and changes to the object in it.
Events = tuple[tuple[float, str, Json], ...]
_SESSION_LASTS = timedelta(days=1)

COMPLETED = "checkout.session.completed"
SOON = 0.002  # days
PAID: Events = ((SOON, COMPLETED, {}),)
_UNPAID: Json = {"payment_status": "unpaid"}
_LATER: Events = ((SOON, COMPLETED, _UNPAID),)
_REFUNDED: Events = ((4, "refund.created", {"status": "succeeded"}),)
_DISPUTED: Events = ((18, "charge.dispute.created", {"status": "needs_response"}),)

# What Stripe may report on a checkout, each with its weight.
CHECKOUTS: tuple[tuple[int, Events], ...] = (
    (44, PAID),
    (2, (*_LATER, (2, "checkout.session.async_payment_succeeded", {}))),
    (1, (*_LATER, (2, "checkout.session.async_payment_failed", _UNPAID))),
    (3, ((1, "checkout.session.expired", _UNPAID),)),
)
# And once it was paid.
AFTER_PAYMENT: tuple[tuple[int, Events], ...] = (
    (160, ()),
    (2, ((SOON, COMPLETED, {}),)),  # repeated
    (6, ((SOON, "customer.created", {}),)),  # ignored
    # Three that do not fit our record: quarantined.
    (1, ((SOON, COMPLETED, {"id": "cs_test_of_another_shop"}),)),
    (1, ((SOON, COMPLETED, {"livemode": True}),)),
    (1, ((SOON, COMPLETED, {"amount_total": 1}),)),
    (6, _REFUNDED),
    (4, ((4, "refund.created", {"status": "succeeded", "amount": 500}),)),
    (2, (*_REFUNDED, (3, "refund.failed", {"status": "failed"}))),
    (2, (*_DISPUTED, (35, "charge.dispute.closed", {"status": "lost"}))),
    (2, (*_DISPUTED, (35, "charge.dispute.closed", {"status": "won"}))),
)


def payment_intent_id(payment: Payment) -> str:
    return f"pi_demo{payment.pk}"


def session(payment: Payment) -> Json:
    """Return the paid checkout session of `payment`."""
    return {
        "id": f"cs_test_demo{payment.pk}",
        "object": "checkout.session",
        "mode": "payment",
        "status": "complete",
        "payment_status": "paid",
        "amount_total": payment.amount,
        "currency": payment.currency,
        "livemode": settings.STRIPE_LIVEMODE,
        "payment_intent": payment_intent_id(payment),
        "metadata": {**MARK, "payment_id": str(payment.pk), "user_id": str(payment.user_id)},
        "expires_at": int((payment.created_at + _SESSION_LASTS).timestamp()),
    }


def event(
    event_id: str, event_type: str, payment: Payment, changes: Json, *, now: datetime
) -> bytes:
    """Return the bytes of an event about `payment`, with `changes` to the object in it."""
    is_of_session = event_type.startswith("checkout.session.")
    subject = session(payment) if is_of_session else _money_back(payment, event_type)
    envelope = {
        "id": event_id,
        "object": "event",
        "api_version": API_VERSION,
        "created": int(now.timestamp()),
        "livemode": settings.STRIPE_LIVEMODE,
        "type": event_type,
        "data": {"object": subject | changes},
    }
    return json.dumps(envelope).encode()


def _money_back(payment: Payment, event_type: str) -> Json:
    """Return the only refund or dispute of `payment`; its status is left to the event."""
    prefix, kind = ("re", "refund") if event_type.startswith("refund.") else ("dp", "dispute")
    return {
        "id": f"{prefix}_demo{payment.pk}",
        "object": kind,
        "amount": payment.amount,
        "currency": payment.currency,
        "payment_intent": payment_intent_id(payment),
    }
