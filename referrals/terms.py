"""Adds and withdraws future terms; terms that have started never change."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from accounts import audit, constraints, permissions
from accounts.models import User
from accounts.money import dollars
from referrals.errors import ReferralError
from referrals.models import Program

_FIELDS = (
    *("starts_at", "referrer_bonus", "referee_bonus", "minimum_purchase"),
    *("max_uses", "code_length", "offer_days", "budget"),
)


class StartInPastError(ReferralError):
    """Raised for a start in the past, which would change promises that were already made."""


class StartTakenError(ReferralError):
    """Raised when other terms start at the same time: only one can be in force."""


class TermsStartedError(ReferralError):
    """Raised when terms that have started are withdrawn."""


class AwardAboveLimitError(ReferralError):
    """Raised when the bonuses of one use exceed the limit for an adjustment by one person."""


@transaction.atomic
def add_terms(*, by: User | None, reason: str, now: datetime, **fields: Any) -> Program:
    """Add terms with these `fields`, in force from `starts_at`, by default from now on.

    Raises PermissionMissingError, StartInPastError, StartTakenError, AwardAboveLimitError,
    ReasonMissingError, and ValidationError.
    """
    permissions.require("referrals.add_program", by=by)
    terms = Program(**{"starts_at": now, **fields})
    require_award_within_limit(terms, by=by)
    if terms.starts_at < now:
        raise StartInPastError(f"{terms.starts_at:%Y-%m-%d %H:%M} has passed")
    terms.full_clean(validate_unique=False)
    before = Program.objects.at(terms.starts_at).first()
    try:
        with transaction.atomic():
            terms.save(force_insert=True)
    except IntegrityError as conflict:
        if constraints.violated(conflict) != "programs_starts_at_key":
            raise
        raise StartTakenError(f"other terms start at {terms.starts_at:%Y-%m-%d %H:%M}") from None
    audit.record(
        by=by,
        action="add terms",
        target=terms,
        reason=reason,
        before=to_dict(before) if before else None,
        after=to_dict(terms),
        now=now,
    )
    return terms


def require_award_within_limit(terms: Program, *, by: User | None) -> None:
    """Raise AwardAboveLimitError unless the award is within the limit or `by` is a superuser."""
    limit = settings.ADJUSTMENT_APPROVAL_LIMIT
    if terms.award > limit and not (by and by.is_superuser):
        raise AwardAboveLimitError(
            f"both sides together get {dollars(terms.award)} per use; only a superuser can add"
            f" terms above {dollars(limit)}"
        )


def to_dict(terms: Program) -> dict[str, datetime | Decimal | int | None]:
    """Return the fields of the terms, by name."""
    return {name: getattr(terms, name) for name in _FIELDS}


@transaction.atomic
def withdraw_terms(terms_id: int, *, by: User | None, reason: str, now: datetime) -> None:
    """Delete terms that have not started; the terms before them stay in force.

    Raises PermissionMissingError, TermsStartedError, Program.DoesNotExist and ReasonMissingError.
    """
    permissions.require("referrals.add_program", by=by)
    terms = Program.objects.select_for_update().get(pk=terms_id)
    if terms.starts_at <= now:
        raise TermsStartedError(f"terms {terms} have started; add new terms instead")
    audit.record(
        by=by,
        action="withdraw terms",
        target=terms,
        reason=reason,
        before=to_dict(terms),
        now=now,
    )
    try:
        terms.delete()
    except ProtectedError:
        # Race: they started while we waited for the lock, and paid a bonus.
        raise TermsStartedError(f"terms {terms} have started; add new terms instead") from None
