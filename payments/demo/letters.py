"""The events with which Stripe would report on the made-up purchases, as it writes them."""

import json
from datetime import datetime, timedelta

from django.conf import settings

from payments.models import Payment
from payments.stripe_gateway import API_VERSION, CheckoutSession

Json = dict[str, object]
SESSION_LASTS = timedelta(days=1)


def opened(payment: Payment, session_id: str, *, now: datetime) -> CheckoutSession:
    """Return the session that Stripe would have made for a purchase that was recorded."""
    return CheckoutSession(
        session_id=session_id,
        mode="payment",
        payment_status="unpaid",
        amount=payment.amount,
        currency=payment.currency,
        livemode=settings.STRIPE_LIVEMODE,
        payment_intent_id=None,
        user_id=str(payment.user_id),
        payment_id=str(payment.pk),
        url=None,
        expires_at=now + SESSION_LASTS,
    )


def intent_of(session_id: str) -> str:
    return session_id.replace("cs_", "pi_", 1)


def session(payment: Payment, session_id: str, **changes: object) -> Json:
    """Return the session of `payment` as it is when it is paid, with `changes`."""
    paid: Json = {
        "id": session_id,
        "object": "checkout.session",
        "mode": "payment",
        "status": "complete",
        "payment_status": "paid",
        "amount_total": payment.amount,
        "currency": payment.currency,
        "livemode": settings.STRIPE_LIVEMODE,
        "payment_intent": intent_of(session_id),
        "metadata": {"payment_id": str(payment.pk), "user_id": str(payment.user_id)},
        "client_reference_id": str(payment.user_id),
        "url": None,
        "expires_at": int((payment.created_at + SESSION_LASTS).timestamp()),
    }
    return paid | changes


def claim(name: str, session_id: str, *, cents: int, status: str) -> Json:
    """Return a refund (`re_…`) or a dispute (`dp_…`) of the purchase with this session."""
    return {
        "id": name,
        "object": "refund" if name.startswith("re_") else "dispute",
        "amount": cents,
        "currency": "usd",
        "payment_intent": intent_of(session_id),
        "status": status,
    }


def event(name: str, kind: str, about: Json, *, now: datetime, **changes: object) -> bytes:
    """Return the bytes of an event of Stripe's, with `changes` to its envelope."""
    envelope: Json = {
        "id": name,
        "object": "event",
        "api_version": API_VERSION,
        "created": int(now.timestamp()),
        "livemode": settings.STRIPE_LIVEMODE,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
        "data": {"object": about},
    }
    return json.dumps(envelope | changes).encode()
