"""Adds, approves and withdraws future terms; terms that have started never change."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError, Sum

from accounts import adjustment_rules, audit, constraints, ledger, permissions
from accounts.models import User
from accounts.operator_models import approval_limit
from referrals.errors import ReferralError
from referrals.models import Program

FIELDS = (
    *("starts_at", "referrer_bonus", "referee_bonus", "minimum_purchase"),
    *("max_uses", "budget", "offer_days", "code_length"),
)
_DECIDED = ("status", "starts_at", "decided_by", "decided_at", "decision_note")


class StartInPastError(ReferralError):
    """Raised for a start in the past, which would change promises that were already made."""


class StartTakenError(ReferralError):
    """Raised when other terms start at the same time: only one can be in force."""


class TermsStartedError(ReferralError):
    """Raised when terms that have started are withdrawn."""


class OwnTermsError(ReferralError):
    """Raised when the operator who added terms decides on them."""


class TermsNotWaitingError(ReferralError):
    """Raised when terms were decided on already, or needed no decision."""


@transaction.atomic
def add_terms(*, by: User, reason: str, now: datetime, **fields: Any) -> Program:
    """Add terms with these `fields`, in force from `starts_at`, by default from now on.

    Above what one operator may do alone they wait for a second person (CONTRACT 2.11). Raises
    PermissionMissingError, StartInPastError, StartTakenError, ReasonMissingError, and
    ValidationError.
    """
    # Race: two terms of one operator must not be added at once, because their budgets add up.
    by = ledger.lock_accounts(User.objects.filter(pk=by.pk))[by.pk]
    permissions.require("referrals.add_program", by=by)
    terms = Program(**{"starts_at": now, **fields}, requested_by=by, requested_at=now)
    if terms.starts_at < now:
        raise StartInPastError(f"{terms.starts_at:%Y-%m-%d %H:%M} has passed")
    terms.full_clean(validate_unique=False, validate_constraints=False)
    if needs_approval(terms, by=by, now=now):
        terms.status = Program.Status.WAITING
    before = Program.objects.at(terms.starts_at).first()
    with _start_is_free(terms):
        terms.save(force_insert=True)
    audit.record(
        by=by,
        action="add terms",
        target=terms,
        reason=reason,
        before=to_dict(before) if before else None,
        after=to_dict(terms) | {"status": terms.status},
        now=now,
    )
    return terms


def needs_approval(terms: Program, *, by: User, now: datetime) -> bool:
    """Return whether a second person must approve these terms of `by`, whoever that is.

    One operator alone may add budgets up to the limit for an adjustment, all of 24 hours together,
    and an award of at most twice the minimum purchase.
    """
    added_alone = Program.objects.approved().filter(
        requested_by=by, decided_by=None, requested_at__gt=now - adjustment_rules.WINDOW
    )
    spent = added_alone.aggregate(sum=Sum("budget", default=Decimal(0)))["sum"]
    limit = approval_limit()
    is_too_dear = terms.budget is None or terms.budget + spent > limit
    return is_too_dear or terms.award > 2 * terms.minimum_purchase


@transaction.atomic
def approve_terms(terms_id: int, *, by: User, note: str, now: datetime) -> Program:
    """Put waiting terms in force from their start, or from now if that has passed.

    Raises PermissionMissingError, TermsNotWaitingError, OwnTermsError, StartTakenError,
    ReasonMissingError and Program.DoesNotExist.
    """
    return _decide(terms_id, Program.Status.APPROVED, by=by, note=note, now=now)


@transaction.atomic
def reject_terms(terms_id: int, *, by: User, note: str, now: datetime) -> Program:
    """Close waiting terms, which never come into force. Raises as `approve_terms` does."""
    return _decide(terms_id, Program.Status.REJECTED, by=by, note=note, now=now)


def _decide(
    terms_id: int, status: Program.Status, *, by: User, note: str, now: datetime
) -> Program:
    permissions.require("accounts.approve_adjustment", by=by)
    terms = Program.objects.select_for_update(no_key=True).get(pk=terms_id)
    if terms.status != Program.Status.WAITING:
        raise TermsNotWaitingError(f"terms {terms} are {terms.status} already")
    if terms.requested_by_id == by.pk:
        raise OwnTermsError("somebody other than the operator who added the terms must decide")
    before = {"status": terms.status, "starts_at": terms.starts_at}
    is_approved = status == Program.Status.APPROVED
    if is_approved:
        terms.starts_at = max(terms.starts_at, now)
    terms.status, terms.decided_by, terms.decided_at = status, by, now
    terms.decision_note = audit.require_reason(note)
    with _start_is_free(terms):
        terms.save(update_fields=_DECIDED)
    audit.record(
        by=by,
        action="approve terms" if is_approved else "reject terms",
        target=terms,
        reason=note,
        before=before,
        after={"status": terms.status, "starts_at": terms.starts_at},
        now=now,
    )
    return terms


@contextmanager
def _start_is_free(terms: Program) -> Iterator[None]:
    """Raise StartTakenError if the database says that other terms start at the same time."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as conflict:
        if constraints.violated(conflict) != "programs_start_once":
            raise
        raise StartTakenError(f"other terms start at {terms.starts_at:%Y-%m-%d %H:%M}") from None


def to_dict(terms: Program) -> dict[str, datetime | Decimal | int | None]:
    """Return the fields of the terms, by name."""
    return {name: getattr(terms, name) for name in FIELDS}


@transaction.atomic
def withdraw_terms(terms_id: int, *, by: User | None, reason: str, now: datetime) -> None:
    """Delete terms that wait, or that needed no second person and have not started.

    The terms before them stay in force.

    Raises PermissionMissingError, TermsStartedError, Program.DoesNotExist and ReasonMissingError.
    """
    permissions.require("referrals.add_program", by=by)
    terms = Program.objects.select_for_update().get(pk=terms_id)
    if not terms.is_withdrawable(now=now):
        raise TermsStartedError(
            f"terms {terms} have started, or a second person decided on them; add new terms instead"
        )
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
