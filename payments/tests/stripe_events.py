"""Stripe's events about payments, signed and delivered as Stripe does."""

import json
import secrets
from collections.abc import Mapping
from typing import Any

import stripe
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import Person, register, reviewer
from payments import inbox
from payments.models import Payment, StripeEvent
from payments.stripe_gateway import API_VERSION
from payments.stripe_objects import MARK
from payments.tests.at_once import execute, refusing
from payments.tests.factories import PaymentFactory
from referrals import review
from referrals.models import Referral

WEBHOOK_PATH = "/api/stripe/webhook"


def pending_payment(user: User, cents: int = 1000) -> Payment:
    """Return a purchase with a session that nobody has paid yet."""
    return PaymentFactory.create(user=user, amount=cents)


def lose_answer(payment: Payment) -> None:
    """Remove the session from the row, as if Stripe's answer was lost; `payment` still has it."""
    unanswered = {"session_id": None, "checkout_url": "", "expires_at": None}
    Payment.objects.filter(pk=payment.pk).update(status=Payment.Status.CREATED, **unanswered)


def session(payment: Payment, **changes: Any) -> dict[str, Any]:
    """Return Stripe's paid session of `payment`, with `changes`."""
    return {
        "id": payment.session_id,
        "object": "checkout.session",
        "mode": "payment",
        "status": "complete",
        "payment_status": "paid",
        "amount_total": payment.amount,
        "currency": "usd",
        "livemode": False,
        "payment_intent": f"pi_{payment.session_id}",
        "metadata": {**MARK, "payment_id": str(payment.pk), "user_id": str(payment.user_id)},
        "client_reference_id": str(payment.user_id),
        "url": None,
        "expires_at": 1900000000,
    } | changes


def event(
    payment: Payment, kind: str = "checkout.session.completed", **changes: Any
) -> dict[str, Any]:
    """Return a new event about the session of `payment`; `changes` are the session's."""
    return envelope(kind, session(payment, **changes))


def envelope(kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": f"evt_{secrets.token_hex(12)}",
        "object": "event",
        "api_version": API_VERSION,
        "created": 1800000000,
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
        "data": {"object": dict(data)},
    }


def signed(body: bytes, *, secret: str | None = None, timestamp: int | None = None) -> str:
    """Return the `Stripe-Signature` of `body`."""
    secret = settings.STRIPE_WEBHOOK_SECRETS[0] if secret is None else secret
    header: str = stripe.WebhookSignature.generate_signature_header(
        body.decode(), secret, timestamp=timestamp
    )
    return header


def send(body: bytes, signature: str | None = None) -> Any:
    """Post `body` to the webhook as Stripe does, signed unless another signature is given."""
    headers = {"Stripe-Signature": signed(body) if signature is None else signature}
    return Client(raise_request_exception=False).post(
        WEBHOOK_PATH, data=body, content_type="application/json", headers=headers
    )


def deliver(event: Mapping[str, Any]) -> Any:
    """Deliver `event` and return the webhook's answer."""
    return send(json.dumps(event).encode())


def settle(user: User, cents: int = 1000) -> Payment:
    """Settle a purchase of `user`, and return the payment."""
    payment = pending_payment(user, cents)
    assert deliver(event(payment)).json()["outcome"] == "settled"
    payment.refresh_from_db()
    return payment


def failed_event(payment: Payment) -> StripeEvent:
    """Return an event that failed in the middle, for a reason that is gone."""
    sent = event(payment)
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    with refusing("ledger_entries", sqlstate="23514"):
        assert deliver(sent).status_code == 500
    return StripeEvent.objects.get(event_id=sent["id"])


def quarantined_event(payment: Payment) -> StripeEvent:
    """Return an event by which Stripe was paid another amount than was asked for."""
    sent = event(payment, amount_total=700)
    assert deliver(sent).json()["outcome"] == "quarantined"
    return StripeEvent.objects.get(event_id=sent["id"])


def resolve(row: StripeEvent, *, by: User | None = None) -> StripeEvent:
    reason = "Paid back at Stripe"
    return inbox.resolve(row.event_id, by=by, reason=reason, now=timezone.now())


def refer(referrer: Person, count: int = 1) -> list[Person]:
    """Register `count` users with the code of `referrer`, and settle $10 for each."""
    referees = [
        register(f"referee_{secrets.token_hex(4)}", code=referrer.code) for _ in range(count)
    ]
    for referee in referees:
        settle(referee.user)
    return referees


def refund(payment: Payment, cents: int, status: str = "succeeded", name: str = "1") -> Any:
    """Return an event about a refund of `payment`, in the type that Stripe sends."""
    kind = "refund.failed" if status == "failed" else "refund.created"
    return envelope(
        kind,
        {
            "id": f"re_{name}_{payment.pk}",
            "object": "refund",
            "amount": cents,
            "currency": "usd",
            "payment_intent": f"pi_{payment.session_id}",
            "status": status,
        },
    )


def dispute(payment: Payment, cents: int, status: str = "needs_response", name: str = "1") -> Any:
    """Return an event about a dispute of `payment`, in the type that Stripe sends."""
    is_closed = status in ("won", "lost", "warning_closed")
    return envelope(
        "charge.dispute.closed" if is_closed else "charge.dispute.created",
        {
            "id": f"dp_{name}_{payment.pk}",
            "object": "dispute",
            "amount": cents,
            "currency": "usd",
            "payment_intent": f"pi_{payment.session_id}",
            "status": status,
        },
    )


def report(payment: Payment, events: str) -> None:
    """Deliver events like `refund 600, refund 500 pending 2, dispute 900 won`, one by one."""
    for kind, cents, *about in map(str.split, events.removesuffix(", ").split(", ")):
        make = {"refund": refund, "dispute": dispute}[kind]
        assert deliver(make(payment, int(cents), *about)).status_code == 200


def turn(referral: Referral, status: str) -> None:
    """Change a completed referral to `status` by a refund, a dispute or a review."""
    now = timezone.now()
    if status == "disputed":
        deliver(dispute(referral.payment, referral.payment.amount))
    if status == "reversed":
        deliver(refund(referral.payment, referral.payment.amount))
    if status in ("held", "voided"):
        review.hold(referral.pk, reason="one card on both sides", now=now)
    if status == "voided":
        review.void(referral.pk, by=reviewer(), note="It is one person.", now=now)
