"""Stripe's objects as JSON: the fields that the sandbox has a value for."""

import json
from datetime import datetime
from typing import Any

from payments.sandbox.charges import amount_left, amount_refunded
from payments.sandbox.models import (
    Charge,
    CheckoutSession,
    Delivery,
    Dispute,
    Event,
    PaymentIntent,
    Refund,
)
from payments.sandbox.payment_methods import CaseType

API_VERSION = "2026-10-28.endive"

Json = dict[str, Any]


def timestamp(moment: datetime) -> int:
    """Return whole seconds since 1970, as every time in Stripe's JSON."""
    return int(moment.timestamp())


def session_json(session: CheckoutSession) -> Json:
    """Return a checkout session as Stripe shows it."""
    intent = PaymentIntent.objects.filter(session=session).first()
    payer = {"email": session.payer_email, "name": session.payer_name}
    return {
        "id": session.stripe_id,
        "object": "checkout.session",
        "amount_subtotal": session.amount_total,
        "amount_total": session.amount_total,
        "cancel_url": session.cancel_url,
        "client_reference_id": session.client_reference_id,
        "created": timestamp(session.created_at),
        "currency": "usd",
        "customer_details": payer if session.payer_email else None,
        "expires_at": timestamp(session.expires_at),
        "livemode": False,
        "metadata": session.metadata,
        "mode": "payment",
        "payment_intent": intent.stripe_id if intent else None,
        "payment_method_types": ["card", "us_bank_account"],
        "payment_status": session.payment_status,
        "status": session.status,
        "success_url": session.success_url,
        "url": session.pay_url if session.status == CheckoutSession.Status.OPEN else None,
    }


def payment_intent_json(intent: PaymentIntent) -> Json:
    """Return a payment intent as Stripe shows it."""
    session = intent.session
    charge = intent.charges.order_by("-id").first()
    has_succeeded = intent.status == PaymentIntent.Status.SUCCEEDED
    return {
        "id": intent.stripe_id,
        "object": "payment_intent",
        "amount": session.amount_total,
        "amount_received": session.amount_total if has_succeeded else 0,
        "created": timestamp(intent.created_at),
        "currency": "usd",
        "latest_charge": charge.stripe_id if charge else None,
        "livemode": False,
        "metadata": session.payment_intent_metadata,
        "status": intent.status,
    }


def charge_json(charge: Charge) -> Json:
    """Return a charge as Stripe shows it."""
    session = charge.payment_intent.session
    has_succeeded = charge.status == Charge.Status.SUCCEEDED
    refunded = amount_refunded(charge)
    return {
        "id": charge.stripe_id,
        "object": "charge",
        "amount": session.amount_total,
        "amount_captured": session.amount_total if has_succeeded else 0,
        "amount_refunded": refunded,
        "captured": has_succeeded,
        "created": timestamp(charge.created_at),
        "currency": "usd",
        "disputed": charge.disputes.exists(),
        "failure_code": charge.failure_code,
        "failure_message": charge.failure_message,
        "livemode": False,
        "metadata": session.payment_intent_metadata,
        "paid": has_succeeded,
        "payment_intent": charge.payment_intent.stripe_id,
        "payment_method_details": charge.payment_method_details,
        "refunded": refunded == session.amount_total,
        "status": charge.status,
    }


def refund_json(refund: Refund) -> Json:
    """Return a refund as Stripe shows it."""
    return {
        "id": refund.stripe_id,
        "object": "refund",
        "amount": refund.amount,
        "charge": refund.charge.stripe_id,
        "created": timestamp(refund.created_at),
        "currency": "usd",
        "metadata": {},
        "payment_intent": refund.charge.payment_intent.stripe_id,
        "reason": None,
        "status": refund.status,
    }


def dispute_json(dispute: Dispute) -> Json:
    """Return a dispute as Stripe shows it."""
    charge = dispute.charge
    is_refundable = dispute.status not in Dispute.HOLDING_THE_MONEY and amount_left(charge) > 0
    return {
        "id": dispute.stripe_id,
        "object": "dispute",
        "amount": dispute.amount,
        "charge": charge.stripe_id,
        "created": timestamp(dispute.created_at),
        "currency": "usd",
        "is_charge_refundable": is_refundable,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge.payment_intent.stripe_id,
        "reason": "general" if dispute.case_type == CaseType.INQUIRY else "fraudulent",
        "status": dispute.status,
    }


def event_json(event: Event) -> Json:
    """Return an event as it was sent, with the number of deliveries that it still waits for."""
    sent: Json = json.loads(event.body)
    undelivered = event.deliveries.exclude(status=Delivery.Status.DELIVERED)
    return sent | {"pending_webhooks": undelivered.count()}
