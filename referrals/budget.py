"""Tells what terms have paid, and foresees when their budget ends."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, F, Sum

from referrals.models import Program, Referral

LOOK_BACK = timedelta(days=14)
# Somebody is told when less than this is left.
NOTICE = timedelta(days=14)
# Of terms that began today an hour's luck is no rate.
_SHORTEST_LOOK_BACK = timedelta(days=1)
# Beyond that a forecast is noise.
_HORIZON_DAYS = 3650
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Outlook:
    """What is left of a budget and when it ends at the present rate; amounts in US dollars."""

    budget: Decimal
    left: Decimal
    daily: Decimal
    award: Decimal
    asked_at: datetime
    ends_at: datetime | None  # None: not in the foreseeable future
    next_terms_at: datetime | None

    @property
    def is_spent(self) -> bool:
        """Whether what is left pays no further award."""
        return self.left < self.award

    @property
    def outlasts_terms(self) -> bool:
        """Whether the next terms start before the budget ends."""
        if self.is_spent or self.next_terms_at is None:
            return False
        return self.ends_at is None or self.ends_at >= self.next_terms_at

    @property
    def needs_someone(self) -> bool:
        if self.is_spent:
            return True
        is_soon = self.ends_at is not None and self.ends_at < self.asked_at + NOTICE
        return is_soon and not self.outlasts_terms

    @property
    def sentence(self) -> str:
        """Say it to an operator."""
        if self.is_spent:
            return "The budget is spent: purchases are credited, and no bonus is paid."
        if self.outlasts_terms:
            return (
                f"At this rate it lasts until the next terms start, on {_day(self.next_terms_at)}."
            )
        if self.ends_at is None:
            return "At this rate no end is in sight."
        days = (self.ends_at - self.asked_at) / _DAY
        ahead = "in less than a day" if days < 1 else f"in about {days:.0f} days"
        return f"At this rate it is spent {ahead}, on {_day(self.ends_at)}."


@dataclass(frozen=True)
class Spending:
    """What became of the bonuses of some terms, both sides together, in US dollars."""

    uses: int  # that are paid
    paid: Decimal
    held: Decimal
    taken_back: Decimal


def spending(terms: Program) -> Spending:
    """Count what stands, waits and was taken back of the bonuses under `terms`."""
    rows = Referral.objects.filter(program=terms).order_by().values_list("status")
    counted = rows.annotate(
        uses=Count("pk"), sum=Sum(F("bonus_amount") + F("referee_bonus_amount"))
    )
    found = {status: (uses, amount) for status, uses, amount in counted}
    (uses, paid), (_, held), (_, taken_back) = (
        found.get(status, (0, Decimal(0)))
        for status in (Referral.Status.COMPLETED, Referral.Status.HELD, Referral.Status.REVERSED)
    )
    return Spending(uses=uses, paid=paid, held=held, taken_back=taken_back)


def outlook(terms: Program, *, now: datetime) -> Outlook | None:
    """Return what is to be expected of the budget of `terms`; None when they have none.

    The rate is that of the last 14 days under these terms; what was voided is given back and does
    not count.
    """
    if terms.budget is None or terms.left is None:
        return None
    daily = _daily(terms, now=now)
    return Outlook(
        budget=terms.budget,
        left=terms.left,
        daily=daily,
        award=terms.award,
        asked_at=now,
        ends_at=_end(terms.left, daily, now=now),
        next_terms_at=_next_start(terms),
    )


def _daily(terms: Program, *, now: datetime) -> Decimal:
    span = min(LOOK_BACK, max(now - terms.starts_at, _SHORTEST_LOOK_BACK))
    awarded = (
        Referral.objects.filter(program=terms, completed_at__gt=now - span, completed_at__lte=now)
        .exclude(review=Referral.Review.VOIDED)
        .aggregate(sum=Sum(F("bonus_amount") + F("referee_bonus_amount")))
    )
    return Decimal(awarded["sum"] or 0) / Decimal(span / _DAY)


def _end(left: Decimal, daily: Decimal, *, now: datetime) -> datetime | None:
    if not daily:
        return None
    days = left / daily
    return now + float(days) * _DAY if days < _HORIZON_DAYS else None


def _next_start(terms: Program) -> datetime | None:
    later = Program.objects.filter(starts_at__gt=terms.starts_at).order_by("starts_at")
    return later.values_list("starts_at", flat=True).first()


def _day(at: datetime | None) -> str:
    return f"{at:%B} {at.day}" if at else ""
