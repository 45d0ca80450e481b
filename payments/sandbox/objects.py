"""Stripe's objects as JSON: the fields that the sandbox has a value for."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

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
        "amount_total": session.amount_total,
        "client_reference_id": session.client_reference_id,
        "customer_details": payer if session.payer_email else None,
        "expires_at": timestamp(session.expires_at),
        "livemode": False,
        "metadata": session.metadata,
        "mode": "payment",
        "payment_intent": intent.stripe_id if intent else None,
        "payment_status": session.payment_status,
        "status": session.status,
        "url": session.pay_url if session.status == CheckoutSession.Status.OPEN else None,
    }


def _payment_intent(intent: PaymentIntent) -> Json:
    session = intent.session
    charge = intent.charges.order_by("-id").first()
    return {
        "amount": session.amount_total,
        "latest_charge": charge.stripe_id if charge else None,
        "livemode": False,
        "metadata": session.payment_intent_metadata,
        "status": intent.status,
    }


def _charge(charge: Charge) -> Json:
    session = charge.payment_intent.session
    refunded = charge.count_refunded()
    return {
        "amount": session.amount_total,
        "amount_refunded": refunded,
        "disputed": charge.disputes.exists(),
        "livemode": False,
        "metadata": session.payment_intent_metadata,
        "paid": charge.status == Charge.Status.SUCCEEDED,
        "payment_intent": charge.payment_intent.stripe_id,
        "payment_method_details": charge.payment_method_details,
        "refunded": refunded == session.amount_total,
        "status": charge.status,
    }


def _refund(refund: Refund) -> Json:
    return {
        "amount": refund.amount,
        "charge": refund.charge.stripe_id,
        "payment_intent": refund.charge.payment_intent.stripe_id,
        "status": refund.status,
    }


def _dispute(dispute: Dispute) -> Json:
    charge = dispute.charge
    return {
        "amount": dispute.amount,
        "charge": charge.stripe_id,
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
