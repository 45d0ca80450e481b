"""Reports what terms have paid, and forecasts when their budget is spent."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, F, Q, Sum

from referrals.models import Program, Referral

RATE_WINDOW = timedelta(days=14)
# Operators are warned when the budget will be spent within this time.
WARNING_PERIOD = timedelta(days=14)
# Terms that started an hour ago have too few uses for a daily rate.
_MIN_RATE_WINDOW = timedelta(days=1)
# A forecast beyond this means nothing.
_HORIZON_DAYS = 3650
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Forecast:
    """What is left of a budget, and when it is spent at the present rate; amounts in US dollars."""

    left: Decimal
    daily: Decimal
    award: Decimal
    computed_at: datetime
    ends_at: datetime | None  # None: not within ten years
    next_terms_at: datetime | None

    @property
    def is_spent(self) -> bool:
        """Whether less is left than one award."""
        return self.left < self.award

    @property
    def outlasts_terms(self) -> bool:
        """Whether the next terms start before the budget is spent."""
        if self.is_spent or self.next_terms_at is None:
            return False
        return self.ends_at is None or self.ends_at >= self.next_terms_at

    @property
    def needs_action(self) -> bool:
        if self.is_spent:
            return True
        is_soon = self.ends_at is not None and self.ends_at < self.computed_at + WARNING_PERIOD
        return is_soon and not self.outlasts_terms

    @property
    def message(self) -> str:
        """The forecast as a message to operators."""
        if self.is_spent:
            return "The budget is spent: purchases are credited, and no bonus is paid."
        if self.outlasts_terms:
            return (
                f"At this rate it lasts until the next terms start, on {_day(self.next_terms_at)}."
            )
        if self.ends_at is None:
            return "At this rate no end is in sight."
        days = (self.ends_at - self.computed_at) / _DAY
        ahead = "in less than a day" if days < 1 else f"in about {days:.0f} days"
        return f"At this rate it is spent {ahead}, on {_day(self.ends_at)}."


@dataclass(frozen=True)
class Spending:
    """The bonuses under some terms by status, both sides together, in US dollars."""

    uses: int  # only completed referrals
    paid: Decimal
    held: Decimal
    taken_back: Decimal  # and still reserved: it can be paid again
    returned: Decimal  # taken back for good


def spending(terms: Program) -> Spending:
    """Sum up the bonuses under `terms` that are paid, held and taken back."""
    completed, held, reversed_ = (
        Q(status=status)
        for status in (Referral.Status.COMPLETED, Referral.Status.HELD, Referral.Status.REVERSED)
    )
    cost = F("bonus_amount") + F("referee_bonus_amount")
    none = Decimal(0)
    found = Referral.objects.filter(program=terms).aggregate(
        uses=Count("pk", filter=completed),
        paid=Sum(cost, filter=completed, default=none),
        held=Sum(cost, filter=held, default=none),
        taken_back=Sum(cost, filter=reversed_ & Q(is_budgeted=True), default=none),
        returned=Sum(cost, filter=reversed_ & Q(is_budgeted=False), default=none),
    )
    return Spending(**found)


def forecast(terms: Program, *, now: datetime) -> Forecast | None:
    """Return the forecast for the budget of `terms`; None when they have no budget.

    The rate is that of the last 14 days under these terms, without what returned to the budget.
    """
    if terms.left is None:
        return None
    daily = _daily(terms, now=now)
    later = Program.objects.approved().filter(starts_at__gt=terms.starts_at).order_by("starts_at")
    return Forecast(
        left=terms.left,
        daily=daily,
        award=terms.award,
        computed_at=now,
        ends_at=_end(terms.left, daily, now=now),
        next_terms_at=later.values_list("starts_at", flat=True).first(),
    )


def _daily(terms: Program, *, now: datetime) -> Decimal:
    span = min(RATE_WINDOW, max(now - terms.starts_at, _MIN_RATE_WINDOW))
    awarded = (
        Referral.objects.filter(program=terms, completed_at__gt=now - span, completed_at__lte=now)
        .filter(is_budgeted=True)
        .aggregate(sum=Sum(F("bonus_amount") + F("referee_bonus_amount")))
    )
    return Decimal(awarded["sum"] or 0) / Decimal(span / _DAY)


def _end(left: Decimal, daily: Decimal, *, now: datetime) -> datetime | None:
    if not daily:
        return None
    days = left / daily
    return now + float(days) * _DAY if days < _HORIZON_DAYS else None


def _day(at: datetime | None) -> str:
    return f"{at:%B} {at.day}" if at else ""
