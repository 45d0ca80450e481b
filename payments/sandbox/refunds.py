"""Refunds: made at once or pending, and undone when the payer's bank sends the money back."""

from datetime import datetime, timedelta

from django.db import transaction

from payments.sandbox import events
from payments.sandbox.errors import ApiError
from payments.sandbox.models import Charge, Dispute, Refund
from payments.sandbox.money import display_amount
from payments.sandbox.payment_methods import RefundCourse
from payments.sandbox.stripe_ids import new_id

SETTLES_AFTER = timedelta(seconds=5)


@transaction.atomic
def refund(*, charge_id: str, amount: int | None = None, now: datetime) -> Refund:
    """Send back an amount in cents, or all that is left. Raises ApiError for more than that."""
    charge = Charge.lock(charge_id)
    left = _refundable(charge)
    if amount is not None and amount > left:
        raise ApiError(
            f"Refund amount ({display_amount(amount)}) is greater than unrefunded amount on "
            f"charge ({display_amount(left)})"
        )
    is_pending = charge.refund_course == RefundCourse.LATER
    made = Refund.objects.create(
        stripe_id=new_id("re"),
        created_at=now,
        charge=charge,
        amount=left if amount is None else amount,
        status=Refund.Status.PENDING if is_pending else Refund.Status.SUCCEEDED,
        settles_at=None if charge.refund_course == RefundCourse.AT_ONCE else now + SETTLES_AFTER,
    )
    events.record("refund.created", made, now)
    events.record("charge.refunded", charge, now)
    return made


def settle_due(now: datetime) -> None:
    """Finish the refunds whose time has come."""
    due = Refund.objects.filter(settles_at__lte=now)
    with transaction.atomic():
        # The refund's own row is locked too: one that was settled meanwhile is then left out.
        rows = due.select_related("charge__payment_intent__session").order_by("id")
        locked = rows.select_for_update(
            skip_locked=True, of=("self", "charge__payment_intent__session")
        )
        for waiting in list(locked):
            _settle(waiting, now)


def _settle(waiting: Refund, now: datetime) -> None:
    has_failed = waiting.charge.refund_course == RefundCourse.FAILS_LATER
    waiting.status = Refund.Status.FAILED if has_failed else Refund.Status.SUCCEEDED
    waiting.settles_at = None
    waiting.save(update_fields=["status", "settles_at"])
    events.record("refund.updated", waiting, now)
    events.record("charge.refund.updated", waiting, now)
    if has_failed:
        events.record("refund.failed", waiting, now)


def _refundable(charge: Charge) -> int:
    """Return the cents that can be refunded. Raises ApiError when there are none."""
    if charge.status != Charge.Status.SUCCEEDED:
        raise ApiError(f"Charge {charge.stripe_id} has not succeeded; cannot issue a refund.")
    if charge.disputes.filter(status__in=Dispute.HOLDING_THE_MONEY).exists():
        raise ApiError(
            f"Charge {charge.stripe_id} has been charged back; cannot issue a refund.",
            code="charge_disputed",
        )
    left = charge.count_left()
    if not left:
        raise ApiError(
            f"Charge {charge.stripe_id} has already been refunded.", code="charge_already_refunded"
        )
    return left
