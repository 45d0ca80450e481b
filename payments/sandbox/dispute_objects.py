"""Stripe's dispute as JSON, field for field, with the money that it moved."""

from datetime import datetime, timedelta
from typing import Any

from payments.sandbox import unused_features
from payments.sandbox.charges import amount_left
from payments.sandbox.identifiers import derived_token
from payments.sandbox.models import Dispute
from payments.sandbox.objects import Json, in_order, timestamp
from payments.sandbox.payment_methods import CaseType

EVIDENCE_FIELDS = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
)
_DUE_AFTER = timedelta(days=9)
_FEE = 1500


def dispute_json(dispute: Dispute) -> Json:
    """Return a dispute as Stripe shows it."""
    charge = dispute.charge
    is_inquiry = dispute.case_type == CaseType.INQUIRY
    is_held = dispute.status in Dispute.HOLDING_THE_MONEY
    return in_order(
        unused_features.DISPUTE
        | {
            "id": dispute.stripe_id,
            "object": "dispute",
            "amount": dispute.amount,
            "balance_transactions": _balance_transactions(dispute),
            "charge": charge.stripe_id,
            "created": timestamp(dispute.created_at),
            "currency": charge.payment_intent.session.currency,
            "evidence": _evidence(dispute),
            "evidence_details": _evidence_details(dispute),
            "is_charge_refundable": not is_held and amount_left(charge) > 0,
            "metadata": dispute.metadata,
            "payment_intent": charge.payment_intent.stripe_id,
            "payment_method_details": _payment_method_details(dispute),
            "reason": "general" if is_inquiry else "fraudulent",
            "status": dispute.status,
        }
    )


def _evidence(dispute: Dispute) -> Json:
    given: Json = dispute.evidence
    return dict.fromkeys(EVIDENCE_FIELDS) | {"enhanced_evidence": {}} | given


def _evidence_details(dispute: Dispute) -> Json:
    return {
        "due_by": timestamp(dispute.created_at + _DUE_AFTER),
        "enhanced_eligibility": {},
        "has_evidence": bool(dispute.evidence),
        "past_due": False,
        "submission_count": dispute.submission_count,
    }


def _payment_method_details(dispute: Dispute) -> Json:
    card: dict[str, Any] = dispute.charge.payment_method_details["card"]
    details = {
        "brand": card["brand"],
        "case_type": dispute.case_type,
        "network": card["network"],
        "network_reason_code": "10.4",
    }
    return {"card": details, "type": "card"}


def _balance_transactions(dispute: Dispute) -> list[Json]:
    """Return what left the seller's balance, and what came back when the dispute was won."""
    moves = []
    if dispute.withdrawn_at:
        moves.append(_balance_transaction(dispute, -1, dispute.withdrawn_at))
    if dispute.reinstated_at:
        moves.append(_balance_transaction(dispute, 1, dispute.reinstated_at))
    return moves


def _balance_transaction(dispute: Dispute, sign: int, moved_at: datetime) -> Json:
    name, fee = ("Chargeback reversal", -_FEE) if sign > 0 else ("Chargeback withdrawal", _FEE)
    coin = dispute.charge.payment_intent.session.currency
    return {
        "id": f"txn_{derived_token(f'{dispute.stripe_id}:{name}', 24)}",
        "object": "balance_transaction",
        "amount": sign * dispute.amount,
        "available_on": timestamp(moved_at),
        "balance_type": "payments",
        "created": timestamp(moved_at),
        "currency": coin,
        "description": f"{name} for {dispute.charge.stripe_id}",
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [
            {
                "amount": fee,
                "application": None,
                "currency": coin,
                "description": "Dispute fee",
                "type": "stripe_fee",
            }
        ],
        "net": sign * dispute.amount - fee,
        "reporting_category": "dispute_reversal" if sign > 0 else "dispute",
        "source": dispute.stripe_id,
        "status": "available",
        "type": "adjustment",
    }
