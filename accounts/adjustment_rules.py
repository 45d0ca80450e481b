"""What an operator may adjust alone, what takes another person as well, and what nobody may.

What one operator adjusts without a second person adds up over 24 hours, up and down alike, on one
account and on all of them: splitting a sum is no way around the limit.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db.models import Q, Sum
from django.db.models.functions import Abs

from accounts.models import Adjustment, User
from accounts.money import CENT, dollars
from accounts.operator_records import MOST_ADJUSTED

_LOOKS_BACK = timedelta(hours=24)
# Ten people may have to be helped in a day; who helps more of them is looked at by a second person,
# as one who gives the limit to each of his own accounts would be.
ACCOUNTS_A_DAY = 10


class AdjustmentRefusedError(Exception):
    """The adjustment makes no sense, or is not this person's to make; it says why, for people."""


class NotAllowedError(AdjustmentRefusedError):
    """Who asks or decides has not the permission, or has a part in it."""


class NobodyAsksError(AdjustmentRefusedError):
    """What takes two people cannot be asked for by nobody: the second could be the first."""


class BelowZeroError(AdjustmentRefusedError):
    """By hand nobody is put into debt; refunds and disputes may do that (CONTRACT 2.7)."""


class DeactivatedError(AdjustmentRefusedError):
    """Who is deactivated cannot use credits, and is not given any."""


class NotWaitingError(AdjustmentRefusedError):
    """It was decided already, or never had to wait."""


class NotReversibleError(AdjustmentRefusedError):
    """It was not posted, was reversed already, or is a reversal itself."""


@dataclass(frozen=True)
class Left:
    """What somebody may still adjust without a second person, in US dollars."""

    on_account: Decimal
    in_all: Decimal

    @property
    def amount(self) -> Decimal:
        return min(self.on_account, self.in_all)


def refuse_nonsense(account: User, amount: Decimal, *, by: User | None, is_reversal: bool) -> None:
    """Refuse what nobody could mean or may do. Raises AdjustmentRefusedError."""
    if not amount.is_finite() or amount == 0 or abs(amount) > MOST_ADJUSTED:
        raise AdjustmentRefusedError(f"an amount up to {dollars(MOST_ADJUSTED)}, not zero")
    if amount != amount.quantize(CENT):
        raise AdjustmentRefusedError("an amount has whole cents")
    if by == account:
        raise NotAllowedError("you cannot adjust your own balance")
    if by is not None and not by.has_perm("accounts.adjust_credits"):
        raise NotAllowedError(f"{by} may not adjust balances")
    refuse_effect(account, amount, is_reversal=is_reversal)


def refuse_effect(account: User, amount: Decimal, *, is_reversal: bool) -> None:
    """Refuse a debt, and credits for who cannot use them; also when it is posted much later.

    From a deactivated account fraud may be taken back. Raises AdjustmentRefusedError.
    """
    if amount > 0 and not account.is_active and not is_reversal:
        raise DeactivatedError(f"{account} is deactivated and gets nothing: reactivate first")
    after = account.credits + amount
    if amount < 0 and after < 0:
        raise BelowZeroError(
            f"the balance would be {dollars(after)}; it is {dollars(account.credits)}"
        )


def left_of_limit(account: User, *, by: User | None, now: datetime) -> Left:
    """Return what `by` may still adjust alone, on this account and on all of them together."""
    alone = Adjustment.objects.filter(
        requested_by=by,
        status=Adjustment.Status.POSTED,
        decided_by=None,
        requested_at__gt=now - _LOOKS_BACK,
    )
    nothing = Decimal(0)
    spent = alone.aggregate(
        on_account=Sum(Abs("amount"), filter=Q(user=account), default=nothing),
        in_all=Sum(Abs("amount"), default=nothing),
    )
    limit: Decimal = settings.ADJUSTMENT_APPROVAL_LIMIT
    return Left(
        on_account=max(limit - spent["on_account"], nothing),
        in_all=max(ACCOUNTS_A_DAY * limit - spent["in_all"], nothing),
    )


def require_asker(by: User | None, left: Decimal) -> None:
    """Refuse what would wait without a first person. Raises NobodyAsksError."""
    if by is None:
        raise NobodyAsksError(
            f"more than {dollars(left)} takes two people, so name who asks: --by OPERATOR"
        )


def require_reversible(original: Adjustment) -> None:
    """Refuse to reverse what cannot be, or was. Raises NotReversibleError."""
    if original.status != Adjustment.Status.POSTED:
        raise NotReversibleError(f"{original} was not posted")
    if original.reverses_id is not None:
        raise NotReversibleError("a reversal is not reversed: make a new adjustment")
    if original.reversals.exclude(status=Adjustment.Status.REJECTED).exists():
        raise NotReversibleError(f"{original} was reversed already, or its reversal waits")


def require_decider(adjustment: Adjustment, by: User) -> None:
    """Refuse who may not decide on it. Raises NotWaitingError and NotAllowedError."""
    if adjustment.status != Adjustment.Status.WAITING:
        raise NotWaitingError(f"{adjustment} is {adjustment.status} already")
    if by.pk in {adjustment.requested_by_id, adjustment.user_id}:
        raise NotAllowedError("it takes another person than who asked and who gets it")
    if not by.has_perm("accounts.approve_adjustment"):
        raise NotAllowedError(f"{by} may not decide on adjustments")
