"""The life of a refund: made at once or pending, and undone when the bank sends it back.

Whoever changes a refund holds its charge's session (see `checkout`).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction

from payments.sandbox import charges, events
from payments.sandbox.errors import ApiError, no_such
from payments.sandbox.events import BY_ITSELF, Cause
from payments.sandbox.identifiers import new_id
from payments.sandbox.models import Charge, Dispute, Refund
from payments.sandbox.money import display_amount
from payments.sandbox.objects import charge_json, refund_json
from payments.sandbox.payment_methods import RefundCourse

SETTLES_AFTER = timedelta(seconds=5)


@transaction.atomic
def refund(
    *,
    charge_id: str,
    amount: int | None = None,
    reason: str | None = None,
    metadata: Mapping[str, str] | None = None,
    now: datetime,
    cause: Cause = BY_ITSELF,
) -> Refund:
    """Send back an amount in cents, or all that is left; raise ApiError for more than that."""
    charge = charges.hold(charge_id)
    left = _refundable(charge)
    if amount is not None and amount > left:
        raise _too_much(charge, amount, left)
    is_pending = charge.refund_course == RefundCourse.LATER
    made = Refund.objects.create(
        stripe_id=new_id("pyr" if charge.stripe_id.startswith("py_") else "re"),
        created_at=now,
        charge=charge,
        amount=left if amount is None else amount,
        reason=reason,
        metadata=dict(metadata or {}),
        status=Refund.Status.PENDING if is_pending else Refund.Status.SUCCEEDED,
        settles_at=None if charge.refund_course == RefundCourse.AT_ONCE else now + SETTLES_AFTER,
    )
    events.record("refund.created", refund_json(made), now=now, cause=cause)
    events.record("charge.refunded", charge_json(charge), now=now, cause=cause)
    return made


@transaction.atomic
def fail(*, refund_id: str, now: datetime) -> Refund:
    """Let the bank send a refund back; one that has failed stays as it is."""
    charge_id = Refund.objects.filter(stripe_id=refund_id).values_list("charge__stripe_id").first()
    if charge_id is None:
        raise no_such("refund", refund_id)
    charge = charges.hold(*charge_id)
    failed = charge.refunds.get(stripe_id=refund_id)
    if failed.status != Refund.Status.FAILED:
        failed.charge = charge
        _settle(failed, Refund.Status.FAILED, now)
    return failed


def settle_due(now: datetime) -> int:
    """Finish the refunds whose time has come; return how many."""
    due = Refund.objects.filter(settles_at__lte=now)
    with transaction.atomic():
        # The refund's own row too, so that one settled meanwhile is looked at again and left out.
        rows = due.select_related("charge__payment_intent__session").order_by("id")
        held = rows.select_for_update(
            skip_locked=True, of=("self", "charge__payment_intent__session")
        )
        refunds = list(held)
        for waiting in refunds:
            will_fail = waiting.charge.refund_course == RefundCourse.FAILS_LATER
            _settle(waiting, Refund.Status.FAILED if will_fail else Refund.Status.SUCCEEDED, now)
    return len(refunds)


def _settle(waiting: Refund, status: Refund.Status, now: datetime) -> None:
    waiting.status, waiting.settles_at = status, None
    waiting.save(update_fields=["status", "settles_at"])
    events.record("refund.updated", refund_json(waiting), now=now)
    events.record("charge.refund.updated", refund_json(waiting), now=now)
    if status == Refund.Status.FAILED:
        events.record("refund.failed", refund_json(waiting), now=now)


def _refundable(charge: Charge) -> int:
    """Return the cents that can be refunded; raise ApiError when there can be none."""
    if charge.status != Charge.Status.SUCCEEDED:
        raise ApiError(f"Charge {charge.stripe_id} has not succeeded; cannot issue a refund.")
    if charge.disputes.filter(status__in=Dispute.HOLDING_THE_MONEY).exists():
        raise ApiError(
            f"Charge {charge.stripe_id} has been charged back; cannot issue a refund.",
            code="charge_disputed",
        )
    left = charges.amount_left(charge)
    if not left:
        raise ApiError(
            f"Charge {charge.stripe_id} has already been refunded.", code="charge_already_refunded"
        )
    return left


def _too_much(charge: Charge, amount: int, left: int) -> ApiError:
    coin = charge.payment_intent.session.currency
    return ApiError(
        f"Refund amount ({display_amount(amount, coin)}) is greater than unrefunded amount on "
        f"charge ({display_amount(left, coin)})",
        param="amount",
    )
