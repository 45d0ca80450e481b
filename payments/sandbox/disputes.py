"""The life of a dispute: opened by the payer's bank, answered with evidence, decided by the bank.

Whoever changes a dispute holds its charge's session (see `checkout`).
"""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from payments.sandbox import charges, events
from payments.sandbox.dispute_objects import dispute_json
from payments.sandbox.errors import ApiError, no_such
from payments.sandbox.events import BY_ITSELF, Cause
from payments.sandbox.identifiers import new_id
from payments.sandbox.models import Charge, Dispute
from payments.sandbox.payment_methods import CaseType

WINNING_EVIDENCE = "winning_evidence"
LOSING_EVIDENCE = "losing_evidence"
ESCALATING_EVIDENCE = "escalate_inquiry_evidence"

_Status = Dispute.Status


@transaction.atomic
def open_dispute(
    *,
    charge_id: str,
    amount: int | None = None,
    case_type: CaseType = CaseType.CHARGEBACK,
    now: datetime,
) -> Dispute:
    """Dispute an amount in cents, or the whole charge.

    As with Stripe the amount may reach into what has been refunded already; only a charge that is
    refunded in full cannot be disputed.
    """
    charge = charges.hold(charge_id)
    whole = charge.payment_intent.session.amount_total
    _check_disputable(charge)
    if amount is not None and not 0 < amount <= whole:
        raise ApiError("A dispute is about a part of the charge or all of it.", param="amount")
    return open_on(charge, amount or whole, case_type, now)


def open_on(charge: Charge, amount: int, case_type: CaseType, now: datetime) -> Dispute:
    """Dispute a charge whose session the caller holds."""
    is_inquiry = case_type == CaseType.INQUIRY
    dispute = Dispute.objects.create(
        stripe_id=new_id("dp"),
        created_at=now,
        charge=charge,
        amount=amount,
        case_type=case_type,
        status=_Status.WARNING_NEEDS_RESPONSE if is_inquiry else _Status.NEEDS_RESPONSE,
        withdrawn_at=None if is_inquiry else now,
    )
    _record("created", dispute, now)
    if not is_inquiry:
        _record("funds_withdrawn", dispute, now)
    return dispute


@transaction.atomic
def answer(
    *,
    dispute_id: str,
    evidence: Mapping[str, str],
    metadata: Mapping[str, str],
    is_submitted: bool = True,
    now: datetime,
    cause: Cause = BY_ITSELF,
) -> Dispute:
    """Give evidence; Stripe's words for tests, as `uncategorized_text`, decide the dispute."""
    dispute = _hold_open(dispute_id)
    dispute.evidence |= evidence
    dispute.metadata |= metadata
    is_decisive = bool(evidence) and is_submitted
    if is_decisive:
        is_inquiry = dispute.case_type == CaseType.INQUIRY
        dispute.status = _Status.WARNING_UNDER_REVIEW if is_inquiry else _Status.UNDER_REVIEW
        dispute.submission_count += 1
    dispute.save()
    _record("updated", dispute, now, cause)
    if is_decisive:
        _judge(dispute, dispute.evidence.get("uncategorized_text", ""), now)
    return dispute


@transaction.atomic
def decide(*, dispute_id: str, is_won: bool, now: datetime, cause: Cause = BY_ITSELF) -> Dispute:
    """Close a dispute for the seller or against; an inquiry just closes."""
    dispute = _hold_open(dispute_id)
    _close(dispute, is_won=is_won, now=now, cause=cause)
    return dispute


def _check_disputable(charge: Charge) -> None:
    if charge.status != Charge.Status.SUCCEEDED or charge.payment_method_details["type"] != "card":
        raise ApiError(f"Charge {charge.stripe_id} is no card payment that succeeded.")
    if charge.disputes.exclude(status__in=(_Status.WON, _Status.WARNING_CLOSED)).exists():
        raise ApiError(f"Charge {charge.stripe_id} is disputed already.")
    if not charges.amount_left(charge):
        raise ApiError(f"Charge {charge.stripe_id} has been refunded in full.")


def _hold_open(dispute_id: str) -> Dispute:
    found = Dispute.objects.filter(stripe_id=dispute_id).values_list("charge__stripe_id").first()
    if found is None:
        raise no_such("dispute", dispute_id)
    charge = charges.hold(*found)
    dispute = charge.disputes.get(stripe_id=dispute_id)
    dispute.charge = charge
    if dispute.status in Dispute.CLOSED:
        raise ApiError("This dispute is already closed.")
    return dispute


def _judge(dispute: Dispute, evidence: str, now: datetime) -> None:
    """Decide as Stripe's words for tests ask; any other evidence stays under review."""
    if evidence in (WINNING_EVIDENCE, LOSING_EVIDENCE):
        _close(dispute, is_won=evidence == WINNING_EVIDENCE, now=now)
    elif evidence == ESCALATING_EVIDENCE and dispute.case_type == CaseType.INQUIRY:
        dispute.case_type = CaseType.CHARGEBACK
        dispute.status = _Status.NEEDS_RESPONSE
        dispute.withdrawn_at = now
        dispute.save(update_fields=["case_type", "status", "withdrawn_at"])
        _record("updated", dispute, now)
        _record("funds_withdrawn", dispute, now)


def _close(dispute: Dispute, *, is_won: bool, now: datetime, cause: Cause = BY_ITSELF) -> None:
    if dispute.case_type == CaseType.INQUIRY:
        dispute.status = _Status.WARNING_CLOSED
    else:
        dispute.status = _Status.WON if is_won else _Status.LOST
        dispute.reinstated_at = now if is_won else None
    dispute.save(update_fields=["status", "reinstated_at"])
    if dispute.reinstated_at:
        _record("funds_reinstated", dispute, now, cause)
    _record("closed", dispute, now, cause)


def _record(what: str, dispute: Dispute, now: datetime, cause: Cause = BY_ITSELF) -> None:
    events.record(f"charge.dispute.{what}", dispute_json(dispute), now=now, cause=cause)
