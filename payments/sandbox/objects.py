"""Stripe's objects as JSON, field for field."""

from datetime import datetime
from typing import Any

from payments.sandbox import unused_features
from payments.sandbox.charges import amount_refunded
from payments.sandbox.identifiers import derived_token
from payments.sandbox.models import Charge, CheckoutSession, PaymentIntent, Refund

API_VERSION = "2026-10-28.endive"
_REFUNDS_SHOWN = 10

Json = dict[str, Any]


def timestamp(moment: datetime) -> int:
    """Return whole seconds since 1970, as every time in Stripe's JSON."""
    return int(moment.timestamp())


def session_json(session: CheckoutSession) -> Json:
    """Return a checkout session as Stripe shows it."""
    intent = PaymentIntent.objects.filter(session=session).first()
    is_open = session.status == CheckoutSession.Status.OPEN
    return in_order(
        unused_features.SESSION
        | {
            "id": session.stripe_id,
            "object": "checkout.session",
            "amount_subtotal": session.amount_total,
            "amount_total": session.amount_total,
            "cancel_url": session.cancel_url,
            "client_reference_id": session.client_reference_id,
            "created": timestamp(session.created_at),
            "currency": session.currency,
            "customer_details": _customer_details(session),
            "customer_email": session.customer_email,
            "expires_at": timestamp(session.expires_at),
            "metadata": session.metadata,
            "payment_intent": intent.stripe_id if intent else None,
            "payment_method_types": session.payment_method_types,
            "payment_status": session.payment_status,
            "status": session.status,
            "success_url": session.success_url,
            "url": session.pay_url if is_open else None,
        }
    )


def payment_intent_json(intent: PaymentIntent) -> Json:
    """Return a payment intent as Stripe shows it."""
    session = intent.session
    charge = intent.charges.order_by("-id").first()
    has_succeeded = intent.status == PaymentIntent.Status.SUCCEEDED
    needs_method = intent.status == PaymentIntent.Status.REQUIRES_PAYMENT_METHOD
    return in_order(
        unused_features.PAYMENT_INTENT
        | {
            "id": intent.stripe_id,
            "object": "payment_intent",
            "amount": session.amount_total,
            "amount_received": session.amount_total if has_succeeded else 0,
            "client_secret": f"{intent.stripe_id}_secret_{derived_token(intent.stripe_id, 25)}",
            "created": timestamp(intent.created_at),
            "currency": session.currency,
            "description": session.payment_intent_data.get("description"),
            "last_payment_error": _payment_error(charge) if charge and needs_method else None,
            "latest_charge": charge.stripe_id if charge else None,
            "metadata": session.payment_intent_data.get("metadata", {}),
            "payment_method": charge.payment_method_id if charge and not needs_method else None,
            "payment_method_types": session.payment_method_types,
            "status": intent.status,
        }
    )


def charge_json(charge: Charge) -> Json:
    """Return a charge as Stripe shows it."""
    session = charge.payment_intent.session
    has_succeeded = charge.status == Charge.Status.SUCCEEDED
    return in_order(
        unused_features.CHARGE
        | {
            "id": charge.stripe_id,
            "object": "charge",
            "amount": session.amount_total,
            "amount_captured": session.amount_total if has_succeeded else 0,
            "balance_transaction": (
                f"txn_{derived_token(charge.stripe_id, 24)}" if has_succeeded else None
            ),
            "billing_details": _billing_details(charge),
            "captured": has_succeeded,
            "created": timestamp(charge.created_at),
            "currency": session.currency,
            "description": session.payment_intent_data.get("description"),
            "failure_code": charge.failure_code,
            "failure_message": charge.failure_message,
            "metadata": session.payment_intent_data.get("metadata", {}),
            "outcome": _outcome(charge),
            "paid": has_succeeded,
            "payment_intent": charge.payment_intent.stripe_id,
            "payment_method": charge.payment_method_id,
            "payment_method_details": charge.payment_method_details,
            "status": charge.status,
        }
        | _gone_back(charge)
    )


def refund_json(refund: Refund) -> Json:
    """Return a refund as Stripe shows it."""
    intent = refund.charge.payment_intent
    return in_order(
        unused_features.REFUND
        | {
            "id": refund.stripe_id,
            "object": "refund",
            "amount": refund.amount,
            "balance_transaction": f"txn_{derived_token(refund.stripe_id, 24)}",
            "charge": refund.charge.stripe_id,
            "created": timestamp(refund.created_at),
            "currency": intent.session.currency,
            "destination_details": _destination(refund),
            "metadata": refund.metadata,
            "payment_intent": intent.stripe_id,
            "reason": refund.reason,
            "status": refund.status,
        }
        | _unusual(refund)
    )


def list_json(data: list[Json], url: str, *, has_more: bool = False) -> Json:
    """Return Stripe's list object."""
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def in_order(fields: Json) -> Json:
    """Put the fields in Stripe's order: id and object first, then by name."""
    rest = dict(sorted(fields.items()))
    return {"id": rest.pop("id"), "object": rest.pop("object"), **rest}


def _gone_back(charge: Charge) -> Json:
    """Return what a charge tells about refunds and disputes."""
    refunded = amount_refunded(charge)
    newest = list(charge.refunds.order_by("-id")[: _REFUNDS_SHOWN + 1])
    for refund in newest:
        refund.charge = charge
    return {
        "amount_refunded": refunded,
        "disputed": charge.disputes.exists(),
        "refunded": refunded == charge.payment_intent.session.amount_total,
        "refunds": list_json(
            [refund_json(refund) for refund in newest[:_REFUNDS_SHOWN]],
            f"/v1/charges/{charge.stripe_id}/refunds",
            has_more=len(newest) > _REFUNDS_SHOWN,
        ),
    }


def _destination(refund: Refund) -> Json:
    if refund.charge.payment_method_details["type"] == "card":
        return {"card": {"type": "refund"}, "type": "card"}
    return {"type": "us_bank_transfer", "us_bank_transfer": {"reference_status": "pending"}}


def _unusual(refund: Refund) -> Json:
    """Return the fields that only a pending or a failed refund has."""
    if refund.status == Refund.Status.PENDING:
        return {"pending_reason": "processing"}
    if refund.status == Refund.Status.FAILED:
        return {
            "failure_balance_transaction": f"txn_{derived_token(f'{refund.stripe_id}:back', 24)}",
            "failure_reason": "expired_or_canceled_card",
        }
    return {}


def _customer_details(session: CheckoutSession) -> Json | None:
    email = session.payer_email or session.customer_email
    if email is None:
        return None
    return {
        "address": _no_address() if session.payer_email else None,
        "business_name": None,
        "email": email,
        "individual_name": None,
        "name": session.payer_name,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [] if session.payer_email else None,
    }


def _payment_error(charge: Charge) -> Json:
    error = {
        "charge": charge.stripe_id,
        "code": charge.failure_code,
        "message": charge.failure_message,
        "type": "card_error",
    }
    if charge.decline_code:
        error["decline_code"] = charge.decline_code
    return error


def _billing_details(charge: Charge) -> Json:
    return {
        "address": _no_address(),
        "email": charge.billing_email,
        "name": charge.billing_name,
        "phone": None,
        "tax_id": None,
    }


def _outcome(charge: Charge) -> Json:
    is_refused = charge.status == Charge.Status.FAILED
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "declined_by_network" if is_refused else "approved_by_network",
        "reason": charge.decline_code if is_refused else None,
        "seller_message": (
            "The bank did not return any further details with this decline."
            if is_refused
            else "Payment complete."
        ),
        "type": "issuer_declined" if is_refused else "authorized",
    }


def _no_address() -> Json:
    return dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
