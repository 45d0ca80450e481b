"""Manual adjustments: requested once, posted by one person up to a limit and by two above it.

Lock order: the token's advisory lock, the account and the operator by id, then the adjustment.
The token comes first because a second request with it may name another account. Permissions and
limits are read under these locks.
"""

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

# The account's owner reads these in the statement. `reason` is for colleagues only, and the
# category "fraud" is not for the owner either.
_DESCRIPTIONS = {
    Category.GOODWILL: "Adjustment: goodwill",
    Category.CORRECTION: "Adjustment: correction",
    Category.PROMOTION: "Adjustment: promotion",
}


class TokenTakenError(rules.AdjustmentRefusedError):
    """The token belongs to an earlier request, which asked for something else."""


def preview(
    *,
    user: User,
    amount: Decimal,
    by: User | None,
    now: datetime,
    reverses: Adjustment | None = None,
) -> rules.RemainingLimit:
    """Return what `by` may adjust alone now. Raises AdjustmentRefusedError, as a request does."""
    account = User.objects.get(pk=user.pk)
    rules.require_valid(account, amount, by=by, is_reversal=reverses is not None)
    if reverses is not None:
        rules.require_reversible(reverses)
    return rules.remaining_limit(account, by=by, now=now, reverses=reverses)


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
    """Adjust the balance at once, or leave it waiting for a second person (CONTRACT 7).

    A repeated request with the same token returns the first adjustment. `by` is None for the
    command line. Raises AdjustmentRefusedError and ReasonMissingError.
    """
    advisory_locks.lock(str(token))
    people = _lock_people(user.pk, by)
    adjustment = Adjustment(
        user=people[user.pk],
        amount=amount,
        category=category,
        reason=audit.require_reason(reason),
        requested_by=by and people[by.pk],
        requested_at=now,
        token=token,
    )
    return _find_repeated(adjustment) or _post_or_wait(adjustment, "adjust credits", now=now)


@transaction.atomic
def reverse(
    adjustment_id: int, *, reason: str, by: User | None, token: UUID, now: datetime
) -> Adjustment:
    """Adjust by the opposite of a posted adjustment, once, under the same limit.

    Raises AdjustmentRefusedError and ReasonMissingError.
    """
    advisory_locks.lock(str(token))
    original, people = _lock_adjustment(adjustment_id, by)
    reversal = Adjustment(
        user=original.user,
        amount=-original.amount,
        category=original.category,
        reason=audit.require_reason(reason),
        requested_by=by and people[by.pk],
        requested_at=now,
        reverses=original,
        token=token,
    )
    # Before the check: a repeated request finds its own reversal, and must not be refused by it.
    if repeated := _find_repeated(reversal):
        return repeated
    rules.require_reversible(original)
    return _post_or_wait(reversal, "reverse adjustment", now=now)


@transaction.atomic
def approve(adjustment_id: int, *, by: User, note: str, now: datetime) -> Adjustment:
    """Post a waiting adjustment. Raises AdjustmentRefusedError and ReasonMissingError."""
    adjustment = _decide(adjustment_id, by=by, note=note, now=now)
    balance = adjustment.user.credits
    _post(adjustment, by=by, now=now)
    adjustment.save()
    _record("approve adjustment", adjustment, by=by, reason=note, balance=balance, now=now)
    return adjustment


@transaction.atomic
def reject(adjustment_id: int, *, by: User, note: str, now: datetime) -> Adjustment:
    """Close a waiting adjustment without posting it. Raises as `approve` does."""
    adjustment = _decide(adjustment_id, by=by, note=note, now=now)
    adjustment.status = Status.REJECTED
    adjustment.save()
    balance = adjustment.user.credits
    _record("reject adjustment", adjustment, by=by, reason=note, balance=balance, now=now)
    return adjustment


@transaction.atomic
def withdraw(adjustment_id: int, *, by: User, note: str, now: datetime) -> Adjustment:
    """Close a waiting adjustment of one's own; the note may be empty. Raises as `reject` does."""
    adjustment, people = _lock_adjustment(adjustment_id, by)
    rules.require_may_withdraw(adjustment, people[by.pk])
    adjustment.status, adjustment.decision_note = Status.WITHDRAWN, note.strip()
    adjustment.save()
    reason = note.strip() or "Withdrawn by the requester"
    balance = adjustment.user.credits
    _record("withdraw adjustment", adjustment, by=by, reason=reason, balance=balance, now=now)
    return adjustment


def _lock_people(user_id: int, by: User | None) -> dict[int, User]:
    """Lock the account and the operator, and return them as they are now, by id."""
    # The operator too: the limit counts over all accounts, so two adjustments of one operator on
    # two accounts must not run at once. On the command line without --by there is no row to lock;
    # a person with a shell there could write SQL anyway.
    ids = [user_id] if by is None else [user_id, by.pk]
    return ledger.lock_accounts(User.objects.filter(pk__in=ids))


def _lock_adjustment(adjustment_id: int, by: User | None) -> tuple[Adjustment, dict[int, User]]:
    """Lock the account, the operator and the adjustment, and return them as they are now."""
    # Read without a lock first: the account comes before the adjustment in the lock order, and a
    # trigger keeps an adjustment's account from changing.
    user_id = Adjustment.objects.values_list("user", flat=True).get(pk=adjustment_id)
    people = _lock_people(user_id, by)
    adjustment = Adjustment.objects.select_for_update(no_key=True).get(pk=adjustment_id)
    adjustment.user = people[user_id]
    return adjustment, people


def _find_repeated(adjustment: Adjustment) -> Adjustment | None:
    """Return the earlier request with the same token, if any. Raises TokenTakenError."""
    earlier = Adjustment.objects.filter(token=adjustment.token).first()
    if earlier is None:
        return None
    fields = ("user_id", "amount", "category", "reason", "requested_by_id", "reverses_id")
    if any(getattr(earlier, name) != getattr(adjustment, name) for name in fields):
        raise TokenTakenError("this form was sent before, with other contents")
    return earlier


def _post_or_wait(adjustment: Adjustment, action: str, *, now: datetime) -> Adjustment:
    """Post the adjustment if it is within the limit; else save it for a second person."""
    by, account, original = adjustment.requested_by, adjustment.user, adjustment.reverses
    rules.require_valid(account, adjustment.amount, by=by, is_reversal=original is not None)
    balance = account.credits
    limit = rules.remaining_limit(account, by=by, now=now, reverses=original)
    adjustment.approval_limit = limit.amount
    if not limit.allows(adjustment.amount):
        if by is None:
            raise rules.RequesterMissingError(limit.amount)
        adjustment.status = Status.WAITING
    else:
        _post(adjustment, by=by, now=now)
    adjustment.save()
    _record(action, adjustment, by=by, reason=adjustment.reason, balance=balance, now=now)
    return adjustment


def _decide(adjustment_id: int, *, by: User, note: str, now: datetime) -> Adjustment:
    """Lock the adjustment and set who decides, when and why; the caller sets the status."""
    note = audit.require_reason(note)
    adjustment, people = _lock_adjustment(adjustment_id, by)
    decider = people[by.pk]
    rules.require_may_decide(adjustment, decider)
    adjustment.decided_by, adjustment.decided_at, adjustment.decision_note = decider, now, note
    return adjustment


def _post(adjustment: Adjustment, *, by: User | None, now: datetime) -> None:
    """Post the ledger entry. Raises AdjustmentRefusedError."""
    original = adjustment.reverses
    is_reversal = original is not None
    rules.require_postable(adjustment.user, adjustment.amount, is_reversal=is_reversal)
    if original is not None:
        entry = LedgerEntry.objects.get(adjustment=original)
        [adjustment.ledger_entry] = ledger.reverse(
            entry, description="Adjustment taken back", now=now, posted_by=by
        )
    else:
        adjustment.ledger_entry = ledger.post(
            user_id=adjustment.user_id,
            kind=LedgerEntry.Kind.ADJUSTMENT,
            amount=adjustment.amount,
            idempotency_key=f"adjustment:{adjustment.token}",
            description=_DESCRIPTIONS.get(Category(adjustment.category), "Adjustment"),
            now=now,
            posted_by=by,
        )
    adjustment.status = Status.POSTED


def _record(
    action: str,
    adjustment: Adjustment,
    *,
    by: User | None,
    reason: str,
    balance: Decimal,
    now: datetime,
) -> None:
    """Record the action; `balance` is the account's before it."""
    entry = adjustment.ledger_entry
    audit.record(
        by=by,
        action=action,
        target=adjustment,
        reason=reason,
        before={"balance": balance},
        after={
            "balance": entry.balance_after if entry else balance,
            "amount": adjustment.amount.quantize(CENT),
            "status": adjustment.status,
        },
        now=now,
    )
