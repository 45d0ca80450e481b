"""Stripe's objects as JSON: the fields that the sandbox has a value for."""

import json
from collections.abc import Callable
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
    StripeModel,
)
from payments.sandbox.payment_methods import CaseType

API_VERSION = "2026-10-28.endive"

Json = dict[str, Any]


def timestamp(moment: datetime) -> int:
    """Return whole seconds since 1970, as every time in Stripe's JSON."""
    return int(moment.timestamp())


def as_json(row: StripeModel) -> Json:
    """Return an object of Stripe's as its API and its events show it."""
    kind, describe = _KINDS[type(row)]
    created = timestamp(row.created_at)
    common = {"id": row.stripe_id, "object": kind, "created": created, "currency": "usd"}
    return common | describe(row)


def _session(session: CheckoutSession) -> Json:
    intent = PaymentIntent.objects.filter(session=session).first()
    payer = {"email": session.payer_email, "name": session.payer_name}
    return {
        "amount_subtotal": session.amount_total,
        "amount_total": session.amount_total,
        "cancel_url": session.cancel_url,
        "client_reference_id": session.client_reference_id,
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


def _payment_intent(intent: PaymentIntent) -> Json:
    session = intent.session
    charge = intent.charges.order_by("-id").first()
    has_succeeded = intent.status == PaymentIntent.Status.SUCCEEDED
    return {
        "amount": session.amount_total,
        "amount_received": session.amount_total if has_succeeded else 0,
        "latest_charge": charge.stripe_id if charge else None,
        "livemode": False,
        "metadata": session.payment_intent_metadata,
        "status": intent.status,
    }


def _charge(charge: Charge) -> Json:
    session = charge.payment_intent.session
    has_succeeded = charge.status == Charge.Status.SUCCEEDED
    refunded = amount_refunded(charge)
    return {
        "amount": session.amount_total,
        "amount_captured": session.amount_total if has_succeeded else 0,
        "amount_refunded": refunded,
        "captured": has_succeeded,
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


def _refund(refund: Refund) -> Json:
    return {
        "amount": refund.amount,
        "charge": refund.charge.stripe_id,
        "metadata": {},
        "payment_intent": refund.charge.payment_intent.stripe_id,
        "reason": None,
        "status": refund.status,
    }


def _dispute(dispute: Dispute) -> Json:
    charge = dispute.charge
    is_refundable = dispute.status not in Dispute.HOLDING_THE_MONEY and amount_left(charge) > 0
    return {
        "amount": dispute.amount,
        "charge": charge.stripe_id,
        "is_charge_refundable": is_refundable,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge.payment_intent.stripe_id,
        "reason": "general" if dispute.case_type == CaseType.INQUIRY else "fraudulent",
        "status": dispute.status,
    }


_KINDS: dict[type[StripeModel], tuple[str, Callable[[Any], Json]]] = {
    CheckoutSession: ("checkout.session", _session),
    PaymentIntent: ("payment_intent", _payment_intent),
    Charge: ("charge", _charge),
    Refund: ("refund", _refund),
    Dispute: ("dispute", _dispute),
}


def event_json(event: Event) -> Json:
    """Return an event as it was sent, with the number of deliveries that it still waits for."""
    sent: Json = json.loads(event.body)
    undelivered = event.deliveries.exclude(status=Delivery.Status.DELIVERED)
    return sent | {"pending_webhooks": undelivered.count()}
