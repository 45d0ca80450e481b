"""The totals and the list of a user's own referrals."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Count, DecimalField, OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from accounts.models import User
from accounts.money import MONEY
from referrals import codes
from referrals.models import Program, Referral

_ZERO = Value(Decimal(0), output_field=DecimalField(**MONEY))
LISTED_REFERRALS = 100


@dataclass(frozen=True)
class Stats:
    """A referrer's totals; amounts in US dollars."""

    total_uses: int
    remaining_uses: int
    max_uses: int
    total_earned: Decimal
    pending_referrals: int


def stats(user: User, *, now: datetime) -> Stats:
    """Return the totals of `user`'s code, in one query."""
    completed = Referral.objects.filter(referrer=OuterRef("pk"), status=Referral.Status.COMPLETED)
    earned = completed.order_by().values("referrer").annotate(sum=Sum("bonus_amount")).values("sum")
    row = (
        User.objects.filter(pk=user.pk)
        .annotate(
            total_uses=codes.uses(OuterRef("pk")),
            max_uses=Subquery(Program.objects.at(now).values("max_uses")),
            total_earned=Coalesce(Subquery(earned), _ZERO),
            pending_referrals=Coalesce(Subquery(_pending_count()), 0),
        )
        .values("total_uses", "max_uses", "total_earned", "pending_referrals")
        .get()
    )
    return Stats(remaining_uses=max(row["max_uses"] - row["total_uses"], 0), **row)


def _pending_count() -> QuerySet[User, int]:
    """Count the sign-ups without a qualifying purchase: they take no use (CONTRACT 2.6)."""
    waiting = User.objects.filter(
        referred_by_code=OuterRef("referral_code"), has_made_first_purchase=False, is_active=True
    )
    counted = waiting.order_by().values("referred_by_code").annotate(waiting=Count("pk"))
    return counted.values_list("waiting", flat=True)


def referrals_of(user: User) -> QuerySet[Referral]:
    """Return the newest referrals of `user`, at most LISTED_REFERRALS."""
    made = Referral.objects.filter(referrer=user).select_related("referred_user")
    return made.order_by("-completed_at", "-pk")[:LISTED_REFERRALS]
