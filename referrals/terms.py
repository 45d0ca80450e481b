"""Adds the next terms and withdraws them; those that have started are never rewritten."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from accounts import audit, constraints
from accounts.models import User
from accounts.money import dollars
from referrals.models import Program


class StartInPastError(ValueError):
    """Terms that start in the past would rewrite what was promised since."""


class StartTakenError(Exception):
    """Other terms start at this very moment: they cannot both be in force."""


class TermsStartedError(Exception):
    """What was promised is not taken back: only terms that lie ahead can be withdrawn."""


class TooGenerousError(ValueError):
    """Nobody promises alone for each use what he could not give alone by hand."""


@transaction.atomic
def add_terms(*, by: User | None, reason: str, now: datetime, **fields: Any) -> Program:
    """Let terms with these `fields` be in force from `starts_at`, or from now on without one.

    Raises StartInPastError, StartTakenError, TooGenerousError, ReasonMissingError, and
    ValidationError for terms that nobody could mean.
    """
    terms = Program(**{"starts_at": now, **fields})
    require_moderate(terms, by=by)
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
        before=told(before) if before else None,
        after=told(terms),
        now=now,
    )
    return terms


def require_moderate(terms: Program, *, by: User | None) -> None:
    """Let a superuser alone promise more for a use than one person may adjust a balance by.

    Raises TooGenerousError.
    """
    limit = settings.ADJUSTMENT_APPROVAL_LIMIT
    if terms.award > limit and not (by and by.is_superuser):
        raise TooGenerousError(
            f"both sides together get {dollars(terms.award)} a use; above {dollars(limit)} it takes"
            " a superuser"
        )


def told(terms: Program) -> dict[str, datetime | Decimal | int | None]:
    """Return what the terms say, by the name of each."""
    return {
        "starts_at": terms.starts_at,
        "referrer_bonus": terms.referrer_bonus,
        "referee_bonus": terms.referee_bonus,
        "minimum_purchase": terms.minimum_purchase,
        "max_uses": terms.max_uses,
        "code_length": terms.code_length,
        "budget": terms.budget,
    }


@transaction.atomic
def withdraw_terms(terms_id: int, *, by: User | None, reason: str, now: datetime) -> None:
    """Give up terms that have not started, so that those before them go on.

    Raises TermsStartedError, Program.DoesNotExist and ReasonMissingError.
    """
    terms = Program.objects.select_for_update().get(pk=terms_id)
    if terms.starts_at <= now:
        raise TermsStartedError(f"terms {terms} have started: add the next ones")
    audit.record(
        by=by,
        action="withdraw terms",
        target=terms,
        reason=reason,
        before=told(terms),
        now=now,
    )
    try:
        terms.delete()
    except ProtectedError:
        # They started while we waited for the row, and paid a bonus.
        raise TermsStartedError(f"terms {terms} have started: add the next ones") from None
