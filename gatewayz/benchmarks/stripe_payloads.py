"""Stripe's signed events as the benchmarks deliver them. It imports no Django."""

import hashlib
import hmac
import json
import time
from typing import Any

from gatewayz.benchmarks import SECRET

WEBHOOK = "/api/stripe/webhook"


def paid(*, session_id: str, payment_id: int, user_id: int, amount: int) -> bytes:
    """Return the event that a checkout session was paid; `amount` in cents."""
    session = {
        "id": session_id,
        "object": "checkout.session",
        "mode": "payment",
        "status": "complete",
        "payment_status": "paid",
        "amount_total": amount,
        "currency": "usd",
        "livemode": False,
        "payment_intent": f"pi_{session_id}",
        "metadata": {
            "program": "gatewayz-referrals",
            "payment_id": str(payment_id),
            "user_id": str(user_id),
        },
        "client_reference_id": str(user_id),
        "url": None,
        "expires_at": 1900000000,
        "customer_details": {"email": f"person{user_id}@example.com", "name": "A. Person"},
    }
    return _event(f"evt_{session_id}", "checkout.session.completed", session)


def refunded(*, session_id: str, amount: int) -> bytes:
    """Return the event that so many cents of a paid session were refunded."""
    refund = {
        "id": f"re_{session_id}",
        "object": "refund",
        "amount": amount,
        "currency": "usd",
        "payment_intent": f"pi_{session_id}",
        "status": "succeeded",
    }
    return _event(f"evt_re_{session_id}", "refund.created", refund)


def _event(event_id: str, kind: str, subject: dict[str, Any]) -> bytes:
    event = {
        "id": event_id,
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": int(time.time()),
        "livemode": False,
        "type": kind,
        "data": {"object": subject},
    }
    return json.dumps(event).encode()


def signature(body: bytes) -> str:
    """Return the `Stripe-Signature` of a body that is sent now."""
    now = str(int(time.time()))
    signed = hmac.digest(SECRET.encode(), f"{now}.".encode() + body, hashlib.sha256).hex()
    return f"t={now},v1={signed}"
