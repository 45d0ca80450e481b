"""What one operator may adjust alone, what needs a second person, and what is never allowed.

The adjustments of one operator without a second person add up over 24 hours, credits and debits
alike, on each account and on all accounts together, so that nobody avoids the limit by splitting.
What was reversed does not count: it moved nothing in the end. Nor does the reversal, if it takes
back what the same operator posted alone in the 24 hours before; any other reversal counts.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import F, Q, Sum
from django.db.models.functions import Abs

from accounts.errors import AccountError
from accounts.models import Adjustment, User
from accounts.money import CENT, dollars
from accounts.operator_models import MAX_ADJUSTMENT, approval_limit

WINDOW = timedelta(hours=24)
# The limit on all accounts is this many times the limit on one. Support may help ten people a day;
# an operator who adjusts more, such as accounts of their own, needs a second person.
ACCOUNTS_PER_DAY = 10


class AdjustmentRefusedError(AccountError):
    """The adjustment is invalid or not allowed; the message is for people."""


class NotAllowedError(AdjustmentRefusedError):
    """The requester or approver lacks the permission, or takes part in the adjustment otherwise."""


class RequesterMissingError(AdjustmentRefusedError):
    """An adjustment above the limit has no named requester, who could then approve it as well."""

    def __init__(self, limit: Decimal) -> None:
        super().__init__(
            f"more than {dollars(limit)} needs a second person, so name yourself: --by OPERATOR"
        )


class BelowZeroError(AdjustmentRefusedError):
    """An adjustment may not make the balance negative; refunds and disputes may (CONTRACT 2.7)."""


class DeactivatedError(AdjustmentRefusedError):
    """A deactivated person cannot use credits and gets none."""


class StaffAccountError(AdjustmentRefusedError):
    """The account of staff gets no credits by hand, or colleagues could credit each other."""


class NotWaitingError(AdjustmentRefusedError):
    """The adjustment was decided already, or needed no decision."""


class NotReversibleError(AdjustmentRefusedError):
    """The adjustment was not posted, was reversed already, or is a reversal itself."""


@dataclass(frozen=True)
class RemainingLimit:
    """How much an operator may still adjust without a second person, in US dollars."""

    on_account: Decimal
    on_all_accounts: Decimal

    @property
    def amount(self) -> Decimal:
        return min(self.on_account, self.on_all_accounts)

    @property
    def is_of_all_accounts(self) -> bool:
        return self.on_all_accounts < self.on_account

    def allows(self, amount: Decimal) -> bool:
        return abs(amount) <= self.amount


def require_valid(account: User, amount: Decimal, *, by: User | None, is_reversal: bool) -> None:
    """Refuse an impossible amount, and an operator who may not adjust this account.

    Raises AdjustmentRefusedError.
    """
    if not amount.is_finite() or amount == 0 or abs(amount) > MAX_ADJUSTMENT:
        raise AdjustmentRefusedError(f"the amount must be up to {dollars(MAX_ADJUSTMENT)}, not 0")
    if amount != amount.quantize(CENT):
        raise AdjustmentRefusedError("the amount must be in whole cents")
    if by == account:
        raise NotAllowedError("you cannot adjust your own balance")
    if by is not None and not by.has_perm("accounts.adjust_credits"):
        raise NotAllowedError(f"{by} may not adjust balances")
    require_postable(account, amount, is_reversal=is_reversal)


def require_postable(account: User, amount: Decimal, *, is_reversal: bool) -> None:
    """Refuse a negative balance, and credits for staff and for a deactivated account.

    Called again on approval, because the account may have changed since the request. A debit of a
    deactivated account is allowed: it takes back fraud. Raises AdjustmentRefusedError.
    """
    if amount > 0 and not account.is_active and not is_reversal:
        raise DeactivatedError(f"{account} is deactivated and gets no credits: reactivate first")
    if amount > 0 and (account.is_staff or account.is_superuser) and not is_reversal:
        raise StaffAccountError(f"{account} is staff, and gets no credits by hand")
    after = account.credits + amount
    if amount < 0 and after < 0:
        raise BelowZeroError(
            f"the balance would be {dollars(after)}; it is {dollars(account.credits)}"
        )


def remaining_limit(
    account: User, *, by: User | None, now: datetime, reverses: Adjustment | None = None
) -> RemainingLimit:
    """Return how much `by` may still adjust alone, on this account and on all accounts.

    It is the limit for the reversal of `reverses`, which then no longer counts itself.
    """
    # Without the time, an operator could take back what is older, and give it again, on top of the
    # limit; without the operator, undo what others gave.
    takes_back_own = Q(
        reverses__isnull=False,
        reverses__requested_by=by,
        reverses__decided_by=None,
        reverses__requested_at__gt=F("requested_at") - WINDOW,
    )
    posted_alone = Adjustment.objects.filter(
        ~takes_back_own,
        requested_by=by,
        status=Adjustment.Status.POSTED,
        decided_by=None,
        requested_at__gt=now - WINDOW,
    )
    if reverses is not None:
        posted_alone = posted_alone.exclude(pk=reverses.pk)
    zero = Decimal(0)
    used = posted_alone.aggregate(
        on_account=Sum(Abs("amount"), filter=Q(user=account), default=zero),
        on_all_accounts=Sum(Abs("amount"), default=zero),
    )
    limit = approval_limit()
    return RemainingLimit(
        on_account=max(limit - used["on_account"], zero),
        on_all_accounts=max(ACCOUNTS_PER_DAY * limit - used["on_all_accounts"], zero),
    )


def require_reversible(original: Adjustment) -> None:
    """Raise NotReversibleError unless the adjustment can be reversed now."""
    if original.status == Adjustment.Status.REVERSED:
        raise NotReversibleError(f"{original} was reversed already")
    if original.status != Adjustment.Status.POSTED:
        raise NotReversibleError(f"{original} was not posted")
    if original.reverses_id is not None:
        raise NotReversibleError("a reversal cannot be reversed: make a new adjustment")
    if original.reversals.filter(status=Adjustment.Status.WAITING).exists():
        raise NotReversibleError(f"the reversal of {original} is waiting")


def require_may_withdraw(adjustment: Adjustment, by: User) -> None:
    """Raise NotWaitingError or NotAllowedError unless `by` may withdraw the adjustment now."""
    if adjustment.status != Adjustment.Status.WAITING:
        raise NotWaitingError(f"{adjustment} is {adjustment.status} already")
    if by.pk != adjustment.requested_by_id:
        raise NotAllowedError("only the requester withdraws a request")


def require_may_decide(adjustment: Adjustment, by: User) -> None:
    """Raise NotWaitingError or NotAllowedError unless `by` may decide on the adjustment now."""
    if adjustment.status != Adjustment.Status.WAITING:
        raise NotWaitingError(f"{adjustment} is {adjustment.status} already")
    if by.pk in {adjustment.requested_by_id, adjustment.user_id}:
        raise NotAllowedError("somebody other than the requester and the account owner must decide")
    if not by.has_perm("accounts.approve_adjustment"):
        raise NotAllowedError(f"{by} may not decide on adjustments")
