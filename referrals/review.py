"""Holds a bonus that looks like self-dealing until an operator releases or voids it."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Q

from accounts import audit, ledger
from accounts.models import User
from referrals.bonuses import bring_in_line, unreserve
from referrals.models import Referral


class NotHeldError(Exception):
    """Only a held bonus can be released or voided; this one is not, or not any more."""


class OwnBonusError(Exception):
    """Nobody decides on a bonus that he gets himself, on either side."""


class ReferrerGoneError(Exception):
    """A deactivated referrer earns nothing (CONTRACT 2.8)."""


@transaction.atomic
def hold(referral_id: int, *, reason: str, now: datetime) -> Referral:
    """Take the bonuses back until somebody has looked, unless somebody has (CONTRACT 2.10)."""
    referral = _locked(referral_id)
    if referral.review == Referral.Review.NONE:
        referral.review = Referral.Review.HELD
        referral.hold_reason = reason
        bring_in_line(referral, now=now)
    return referral


def release(referral_id: int, *, by: User, note: str, now: datetime) -> Referral:
    """Pay the held bonuses.

    Raises NotHeldError, OwnBonusError, ReferrerGoneError and ReasonMissingError.
    """
    return _decide(referral_id, Referral.Review.RELEASED, by=by, note=note, now=now)


def void(referral_id: int, *, by: User, note: str, now: datetime) -> Referral:
    """Give up the held bonuses; the use stays used.

    Raises NotHeldError, OwnBonusError and ReasonMissingError.
    """
    return _decide(referral_id, Referral.Review.VOIDED, by=by, note=note, now=now)


@transaction.atomic
def _decide(
    referral_id: int, review: Referral.Review, *, by: User, note: str, now: datetime
) -> Referral:
    reason = audit.require_reason(note)
    referral = _locked(referral_id)
    if referral.review != Referral.Review.HELD:
        raise NotHeldError(f"{referral} is {referral.status}")
    if review == Referral.Review.RELEASED and not referral.referrer.is_active:
        raise ReferrerGoneError(f"the referrer of {referral} is deactivated: void it")
    if by.pk in {referral.referrer_id, referral.referred_user_id}:
        raise OwnBonusError("it takes somebody who gets none of it")
    before = _told(referral)
    referral.review = review
    referral.review_note = reason
    referral.reviewed_by = by
    referral.reviewed_at = now
    if review == Referral.Review.VOIDED:
        unreserve(referral)
    bring_in_line(referral, now=now, posted_by=by)
    audit.record(
        by=by,
        action=_ACTIONS[review],
        target=referral,
        reason=reason,
        before=before,
        after=_told(referral),
        now=now,
    )
    return referral


_ACTIONS = {Referral.Review.RELEASED: "release bonus", Referral.Review.VOIDED: "void bonus"}


def _told(referral: Referral) -> dict[str, str | Decimal]:
    """Return what the audit log keeps of it: the amounts are what each side has of the bonus."""
    is_paid = referral.status == Referral.Status.COMPLETED
    return {
        "status": referral.status,
        "review": referral.review,
        "referrer_bonus": referral.bonus_amount if is_paid else Decimal(0),
        "referee_bonus": referral.referee_bonus_amount if is_paid else Decimal(0),
    }


def _locked(referral_id: int) -> Referral:
    """Return the referral with both of its accounts locked, read after these."""
    people = Q(referrals_made=referral_id) | Q(referral_received=referral_id)
    ledger.lock_accounts(User.objects.filter(pk__in=User.objects.filter(people).values("pk")))
    legs = ("referrer_entry", "referee_entry", "referred_user", "referrer")
    return Referral.objects.select_related(*legs).get(pk=referral_id)
