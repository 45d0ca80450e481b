"""Holds bonuses that look like self-dealing until an operator releases or voids them."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Q

from accounts import audit, ledger, permissions
from accounts.models import User
from accounts.transactions import retry_on_deadlock
from referrals.bonuses import reserve_again, sync_entries, unreserve_award
from referrals.errors import ReferralError
from referrals.models import Referral


class NotHeldError(ReferralError):
    """Raised when a bonus that is not held is released or voided."""


class OwnBonusError(ReferralError):
    """Raised when an operator decides on a bonus that they receive, on either side."""


class ReferrerGoneError(ReferralError):
    """Raised when the bonus of a deactivated referrer is released (CONTRACT 2.8)."""


class BudgetSpentError(ReferralError):
    """Raised when a bonus is released whose terms have no budget left for it."""


@retry_on_deadlock
@transaction.atomic
def hold(
    referral_id: int, *, reason: str, now: datetime, by: User | None = None, note: str = ""
) -> Referral:
    """Take the bonuses back until a review, unless there was one (CONTRACT 2.10).

    With a `note`, which says why, it is an operator's: `by`, or None for the command line. Raises
    PermissionMissingError, OwnBonusError and ReasonMissingError then.
    """
    if note:
        permissions.require("referrals.review_referral", by=by)
    referral = _lock_referral(referral_id)
    if referral.review != Referral.Review.NONE:
        return referral
    _require_not_own(referral, by)
    before = _audit_state(referral)
    referral.review = Referral.Review.HELD
    referral.hold_reason = reason
    sync_entries(referral, now=now, posted_by=by)
    if note:
        audit.record(
            by=by,
            action="hold bonus",
            target=referral,
            reason=note,
            before=before,
            after=_audit_state(referral),
            now=now,
        )
    return referral


def release(referral_id: int, *, by: User, note: str, now: datetime) -> Referral:
    """Pay held bonuses.

    Raises PermissionMissingError, NotHeldError, OwnBonusError, ReferrerGoneError, BudgetSpentError
    and ReasonMissingError.
    """
    return _decide(referral_id, Referral.Review.RELEASED, by=by, note=note, now=now)


def void(referral_id: int, *, by: User, note: str, now: datetime) -> Referral:
    """Cancel held bonuses for good; the use of the code stays taken.

    Raises PermissionMissingError, NotHeldError, OwnBonusError and ReasonMissingError.
    """
    return _decide(referral_id, Referral.Review.VOIDED, by=by, note=note, now=now)


@retry_on_deadlock
@transaction.atomic
def _decide(
    referral_id: int, review: Referral.Review, *, by: User, note: str, now: datetime
) -> Referral:
    permissions.require("referrals.review_referral", by=by)
    reason = audit.require_reason(note)
    referral = _lock_referral(referral_id)
    if referral.review != Referral.Review.HELD:
        raise NotHeldError(f"{referral} is {referral.status}")
    if review == Referral.Review.RELEASED and not referral.referrer.is_active:
        raise ReferrerGoneError(
            f"the referrer of {referral} is deactivated; void the bonus instead"
        )
    _require_not_own(referral, by)
    before = _audit_state(referral)
    referral.review = review
    referral.review_note = reason
    referral.reviewed_by = by
    referral.reviewed_at = now
    if review == Referral.Review.VOIDED and referral.is_budgeted:
        unreserve_award(referral)
    is_to_pay = review == Referral.Review.RELEASED and referral.purchase_qualifies
    if is_to_pay and not reserve_again(referral):
        raise BudgetSpentError(f"the budget of the terms {referral.program} is spent")
    sync_entries(referral, now=now, posted_by=by)
    audit.record(
        by=by,
        action=_ACTIONS[review],
        target=referral,
        reason=reason,
        before=before,
        after=_audit_state(referral),
        now=now,
    )
    return referral


def _require_not_own(referral: Referral, by: User | None) -> None:
    if by and by.pk in {referral.referrer_id, referral.referred_user_id}:
        raise OwnBonusError("another operator must decide: you receive part of this bonus")


_ACTIONS = {Referral.Review.RELEASED: "release bonus", Referral.Review.VOIDED: "void bonus"}


def _audit_state(referral: Referral) -> dict[str, str | Decimal]:
    """Return the state for the audit log; an amount is zero unless the bonus is paid."""
    is_paid = referral.status == Referral.Status.COMPLETED
    return {
        "status": referral.status,
        "review": referral.review,
        "referrer_bonus": referral.bonus_amount if is_paid else Decimal(0),
        "referee_bonus": referral.referee_bonus_amount if is_paid else Decimal(0),
    }


def _lock_referral(referral_id: int) -> Referral:
    """Lock both accounts of the referral, and return it."""
    # The referral is read after the locks: what another transaction changed before is seen here.
    people = Q(referrals_made=referral_id) | Q(referral_received=referral_id)
    ledger.lock_accounts(User.objects.filter(pk__in=User.objects.filter(people).values("pk")))
    related = ("referrer_entry", "referee_entry", "referred_user", "referrer", "program")
    return Referral.objects.select_related(*related).get(pk=referral_id)
