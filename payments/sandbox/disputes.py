"""Disputes: opened and decided by the payer's bank."""

from datetime import datetime

from django.db import transaction

from payments.sandbox import events
from payments.sandbox.errors import ApiError
from payments.sandbox.models import Charge, Dispute
from payments.sandbox.payment_methods import CaseType
from payments.sandbox.stripe_ids import new_id

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

    As with Stripe, a part of the charge may be both refunded and disputed; only a charge that is
    refunded in full cannot be disputed.
    """
    charge = Charge.lock(charge_id)
    whole = charge.payment_intent.session.amount_total
    if charge.status != Charge.Status.SUCCEEDED or charge.payment_method_details["type"] != "card":
        raise ApiError(f"Charge {charge_id} is not a card payment that succeeded.")
    if charge.disputes.exclude(status__in=(_Status.WON, _Status.WARNING_CLOSED)).exists():
        raise ApiError(f"Charge {charge_id} is disputed already.")
    if not charge.count_left():
        raise ApiError(f"Charge {charge_id} has been refunded in full.")
    if amount is not None and amount > whole:
        raise ApiError("A dispute cannot be about more than the charge.")
    return open_on(charge, amount or whole, case_type, now)


def open_on(charge: Charge, amount: int, case_type: CaseType, now: datetime) -> Dispute:
    """Dispute a charge whose session the caller has locked."""
    is_inquiry = case_type == CaseType.INQUIRY
    dispute = Dispute.objects.create(
        stripe_id=new_id("dp"),
        created_at=now,
        charge=charge,
        amount=amount,
        case_type=case_type,
        status=_Status.WARNING_NEEDS_RESPONSE if is_inquiry else _Status.NEEDS_RESPONSE,
    )
    _record("created", dispute, now)
    if not is_inquiry:
        _record("funds_withdrawn", dispute, now)
    return dispute


@transaction.atomic
def decide(*, dispute_id: str, is_won: bool, now: datetime) -> Dispute:
    """Close a dispute for the seller or against; an inquiry is just closed."""
    dispute = _lock_open(dispute_id)
    if dispute.case_type == CaseType.INQUIRY:
        dispute.status = _Status.WARNING_CLOSED
    else:
        dispute.status = _Status.WON if is_won else _Status.LOST
    dispute.save(update_fields=["status"])
    if dispute.status == _Status.WON:
        _record("funds_reinstated", dispute, now)
    _record("closed", dispute, now)
    return dispute


def _lock_open(dispute_id: str) -> Dispute:
    found = Dispute.find(dispute_id)
    charge = Charge.lock(found.charge.stripe_id)
    dispute = charge.disputes.get(pk=found.pk)
    dispute.charge = charge
    if not dispute.is_open:
        raise ApiError("This dispute is already closed.")
    return dispute


def _record(what: str, dispute: Dispute, now: datetime) -> None:
    events.record(f"charge.dispute.{what}", dispute, now)
