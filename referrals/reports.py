"""The totals and the list of a user's own referrals."""

from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import (
    BigIntegerField,
    Count,
    DecimalField,
    OuterRef,
    Subquery,
    Sum,
    Value,
)
from django.db.models.functions import Coalesce

from accounts.callers import CallerQuery
from accounts.models import User
from accounts.money import MONEY
from accounts.preferences import shown_to_referrer
from accounts.prepared import Parameter, Query
from referrals import codes
from referrals.models import Referral

_ZERO = Value(Decimal(0), output_field=DecimalField(**MONEY))
LISTED_REFERRALS = 100


class Stats(NamedTuple):
    """A referrer's totals; amounts in US dollars."""

    total_uses: int
    max_uses: int
    total_earned: Decimal
    pending_referrals: int

    @property
    def remaining_uses(self) -> int:
        return max(self.max_uses - self.total_uses, 0)


def uses_and_earnings(user: str) -> dict[str, Any]:
    """Return an expression for each of these totals; `user` names the outer column."""
    completed = Referral.objects.filter(
        referrer=OuterRef(user), status=Referral.Status.COMPLETED
    ).order_by()
    earned = completed.values("referrer").annotate(sum=Sum("bonus_amount")).values("sum")
    return {
        "total_uses": codes.uses(OuterRef(user)),
        "max_uses": codes.in_force("max_uses"),
        "total_earned": Coalesce(Subquery(earned), _ZERO),
    }


def _totals(user: str, code: str) -> dict[str, Any]:
    """Return an expression for each of the totals; `user` and `code` name the outer columns.

    Sign-ups without a qualifying purchase are pending: they take no use (CONTRACT 2.6).
    """
    waiting = User.objects.filter(
        referred_by_code=OuterRef(code), has_made_first_purchase=False, is_active=True
    ).order_by()
    pending = waiting.values("referred_by_code").annotate(count=Count("pk")).values("count")
    return {
        **uses_and_earnings(user),
        "pending_referrals": Coalesce(Subquery(pending), 0),
    }


# The caller with the totals of their own code.
WITH_STATS = CallerQuery(*("referral_code", "referred_by_code", "credits"), annotations=_totals)
_STATS = Query(
    lambda: (
        User.objects.filter(pk=Parameter("user_id", BigIntegerField()))
        .annotate(**_totals("pk", "referral_code"))
        .values_list(*Stats._fields)
    )
)


def stats(user: User, *, now: datetime) -> Stats:
    """Return the totals of the code of `user`."""
    [row] = _STATS.fetch(user_id=user.pk, now=now)
    return Stats(*row)


def stats_of_caller(caller: User) -> Stats:
    """Return the totals that `WITH_STATS` has read."""
    return Stats(*(getattr(caller, name) for name in Stats._fields))


_REFERRALS = Query(
    lambda: (
        Referral.objects.filter(referrer=Parameter("user_id", BigIntegerField()))
        .order_by("-completed_at", "-pk")
        .values_list(
            "referred_user_id",
            "referred_user__username",
            "bonus_amount",
            "status",
            "completed_at",
            "referred_user__show_to_referrer",
        )[:LISTED_REFERRALS]
    )
)


class ListedReferral(NamedTuple):
    """A referral as its referrer sees it; the bonus in US dollars."""

    user_id: int
    username: str
    bonus_earned: Decimal
    status: str
    completed_at: datetime


def referrals_of(user: User) -> list[ListedReferral]:
    """Return the newest referrals of `user`, at most LISTED_REFERRALS."""
    return [
        ListedReferral(
            user_id,
            shown_to_referrer(username, choice),
            bonus if status == Referral.Status.COMPLETED else Decimal(0),
            status,
            completed_at,
        )
        for user_id, username, bonus, status, completed_at, choice in _REFERRALS.fetch(
            user_id=user.pk
        )
    ]
