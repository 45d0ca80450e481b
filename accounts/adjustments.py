"""Manual adjustments: asked for once, posted by one person up to a limit and by two above it.

Whoever asks with a token takes its turn first, since another with the same may name any account.
Whoever changes an adjustment locks the account and the operator, and the adjustment after them.
What the operator may do is read under these locks.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from accounts import adjustment_rules as rules
from accounts import advisory_locks, audit, ledger
from accounts.models import Adjustment, LedgerEntry, User
from accounts.money import CENT

Category = Adjustment.Category
Status = Adjustment.Status


class TokenTakenError(rules.AdjustmentRefusedError):
    """The token names an adjustment already, and that one asks for something else."""


@dataclass(frozen=True)
class Preview:
    """What an adjustment would do, in US dollars."""

    balance_before: Decimal
    balance_after: Decimal
    left_of_limit: Decimal
    needs_approval: bool
    is_left_in_all: bool


def preview(
    *,
    user: User,
    amount: Decimal,
    by: User | None,
    now: datetime,
    reverses: Adjustment | None = None,
) -> Preview:
    """Return what the adjustment would do now. Raises AdjustmentRefusedError."""
    account = User.objects.get(pk=user.pk)
    rules.refuse_nonsense(account, amount, by=by, is_reversal=reverses is not None)
    if reverses is not None:
        rules.require_reversible(reverses)
    left = rules.left_of_limit(account, by=by, now=now)
    return Preview(
        balance_before=account.credits,
        balance_after=account.credits + amount,
        left_of_limit=left.amount,
        needs_approval=abs(amount) > left.amount,
        is_left_in_all=left.in_all < left.on_account,
    )


@transaction.atomic
def request_adjustment(
    *,
    user: User,
    amount: Decimal,
    category: Category,
    reason: str,
    by: User | None,
    token: UUID,
    now: datetime,
) -> Adjustment:
    """Adjust the balance at once, or ask for a second person's approval (CONTRACT 7).

    Asked again with the same token it is the one that is there. `by` is None for the command
    line. Raises AdjustmentRefusedError and ReasonMissingError.
    """
    advisory_locks.take_turn(str(token))
    people = _locked(user.pk, by)
    wish = Adjustment(
        user=people[user.pk],
        amount=amount,
        category=category,
        reason=audit.stated(reason),
        requested_by=by and people[by.pk],
        requested_at=now,
        token=token,
    )
    return _known(wish) or _carry_out(wish, "adjust credits", now=now)


@transaction.atomic
def reverse(
    adjustment_id: int, *, reason: str, by: User | None, token: UUID, now: datetime
) -> Adjustment:
    """Adjust by the opposite of a posted adjustment, once, by the same rule of two people.

    Raises AdjustmentRefusedError and ReasonMissingError.
    """
    advisory_locks.take_turn(str(token))
    original, people = _locked_adjustment(adjustment_id, by)
    wish = Adjustment(
        user=original.user,
        amount=-original.amount,
        category=original.category,
        reason=audit.stated(reason),
        requested_by=by and people[by.pk],
        requested_at=now,
        reverses=original,
        token=token,
    )
    if known := _known(wish):
        return known
    rules.require_reversible(original)
    return _carry_out(wish, "reverse adjustment", now=now)


@transaction.atomic
def approve(adjustment_id: int, *, by: User, note: str, now: datetime) -> Adjustment:
    """Post an adjustment that waits. Raises AdjustmentRefusedError and ReasonMissingError."""
    adjustment = _decided(adjustment_id, by=by, note=note, now=now)
    before = adjustment.user.credits
    _post(adjustment, by=by, now=now)
    adjustment.save()
    _record("approve adjustment", adjustment, by=by, reason=note, was=before, now=now)
    return adjustment


@transaction.atomic
def reject(adjustment_id: int, *, by: User, note: str, now: datetime) -> Adjustment:
    """Give up an adjustment that waits. Raises as `approve` does."""
    adjustment = _decided(adjustment_id, by=by, note=note, now=now)
    adjustment.status = Status.REJECTED
    adjustment.save()
    was = adjustment.user.credits
    _record("reject adjustment", adjustment, by=by, reason=note, was=was, now=now)
    return adjustment


def _locked(user_id: int, by: User | None) -> dict[int, User]:
    """Return the account and the operator as they are now, by id.

    The operator is locked as well, because what she does on several accounts at once adds up; the
    command line without a name has no row for it, and whoever types there could write SQL as well.
    """
    ids = [user_id] if by is None else [user_id, by.pk]
    return ledger.lock_accounts(User.objects.filter(pk__in=ids))


def _locked_adjustment(adjustment_id: int, by: User | None) -> tuple[Adjustment, dict[int, User]]:
    """Return the adjustment with its account and the operator, all as they are now."""
    user_id = Adjustment.objects.values_list("user", flat=True).get(pk=adjustment_id)
    people = _locked(user_id, by)
    adjustment = Adjustment.objects.select_for_update(no_key=True).get(pk=adjustment_id)
    adjustment.user = people[user_id]
    return adjustment, people


def _known(wish: Adjustment) -> Adjustment | None:
    """Return what was asked for with this token. Raises TokenTakenError."""
    known = Adjustment.objects.filter(token=wish.token).first()
    if known is None:
        return None
    asked = ("user_id", "amount", "category", "reason", "requested_by_id", "reverses_id")
    if any(getattr(known, name) != getattr(wish, name) for name in asked):
        raise TokenTakenError("this form was sent already, with something else in it")
    return known


def _carry_out(wish: Adjustment, action: str, *, now: datetime) -> Adjustment:
    by, account = wish.requested_by, wish.user
    rules.refuse_nonsense(account, wish.amount, by=by, is_reversal=wish.reverses is not None)
    before = account.credits
    wish.approval_limit = rules.left_of_limit(account, by=by, now=now).amount
    if abs(wish.amount) > wish.approval_limit:
        rules.require_asker(by, wish.approval_limit)
        wish.status = Status.WAITING
    else:
        _post(wish, by=by, now=now)
    wish.save(force_insert=True)
    _record(action, wish, by=by, reason=wish.reason, was=before, now=now)
    return wish


def _decided(adjustment_id: int, *, by: User, note: str, now: datetime) -> Adjustment:
    """Return the adjustment, locked, with the decision on it but for its status."""
    note = audit.stated(note)
    adjustment, people = _locked_adjustment(adjustment_id, by)
    decider = people[by.pk]
    rules.require_decider(adjustment, decider)
    adjustment.decided_by, adjustment.decided_at, adjustment.decision_note = decider, now, note
    return adjustment


def _post(adjustment: Adjustment, *, by: User | None, now: datetime) -> None:
    """Post the entry that moves the balance. Raises AdjustmentRefusedError."""
    is_reversal = adjustment.reverses is not None
    rules.refuse_effect(adjustment.user, adjustment.amount, is_reversal=is_reversal)
    if adjustment.reverses is not None:
        adjustment.ledger_entry = _reversal_of(adjustment.reverses, by=by, now=now)
    else:
        adjustment.ledger_entry = ledger.post(
            user_id=adjustment.user_id,
            kind=LedgerEntry.Kind.ADJUSTMENT,
            amount=adjustment.amount,
            idempotency_key=f"adjustment:{adjustment.token}",
            description=_FOR_THE_PERSON.get(Category(adjustment.category), "Adjustment"),
            now=now,
            posted_by=by,
        )
    adjustment.status = Status.POSTED


# What the colleagues say of it in `reason` is not for the statement.
_FOR_THE_PERSON = {
    Category.GOODWILL: "Adjustment: goodwill",
    Category.CORRECTION: "Adjustment: correction",
    Category.PROMOTION: "Adjustment: promotion",
}


def _reversal_of(original: Adjustment, *, by: User | None, now: datetime) -> LedgerEntry:
    entry = LedgerEntry.objects.get(adjustment=original)
    [reversal] = ledger.reverse(entry, description="Adjustment taken back", now=now, posted_by=by)
    return reversal


def _record(
    action: str,
    adjustment: Adjustment,
    *,
    by: User | None,
    reason: str,
    was: Decimal,
    now: datetime,
) -> None:
    entry = adjustment.ledger_entry
    audit.record(
        by=by,
        action=action,
        target=adjustment,
        reason=reason,
        before={"balance": was},
        after={
            "balance": entry.balance_after if entry else was,
            "amount": adjustment.amount.quantize(CENT),
            "status": adjustment.status,
        },
        now=now,
    )
