"""How the programme does: a period's figures, the funnel, what we owe, and how long people take.

A period is a number of days up to and including today (UTC); the one before it is as long.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from statistics import median

from django.db import connection
from django.db.models import Count, Sum

from accounts import ledger
from payments.daily import DAY, Day, between, midnight, sums_before, today

_TENTH = Decimal("0.1")


@dataclass(frozen=True)
class Sums:
    """What happened over some days; amounts in US dollars."""

    looks: int
    signups: int
    invited_signups: int
    first_purchases: int
    purchases: Decimal
    bonuses: Decimal
    bonuses_taken: Decimal
    refunds: Decimal
    disputes: Decimal

    @property
    def money_back(self) -> Decimal:
        """What refunds and disputes took together."""
        return self.refunds + self.disputes


@dataclass(frozen=True)
class Cohort:
    """Who signed up by a code within a period, and how far these people are by now."""

    invited: int
    bought: int
    qualified: int

    @property
    def conversion(self) -> Decimal | None:
        """How many per cent of those referred made the qualifying purchase.

        The wiki divides the number of referrals by the number of people in them, which is the same
        number; ours asks among all who signed up by a code.
        """
        if not self.invited:
            return None
        return (Decimal(100 * self.qualified) / self.invited).quantize(_TENTH, ROUND_HALF_UP)


@dataclass(frozen=True)
class Books:
    """What all balances and bonuses come to now, in US dollars."""

    outstanding: Decimal  # what we owe: all balances above zero
    debts: Decimal  # what people owe us: all balances below zero, as a positive number
    debtors: int
    bonuses: Decimal  # paid in all, and not taken back


@dataclass(frozen=True)
class Period:
    """A period: its days, their sums, who signed up in it by a code, and how long buying took."""

    first: date
    days: Sequence[Day]
    sums: Sums
    cohort: Cohort
    time_to_purchase: timedelta | None  # the median, of those who came by a code


@dataclass(frozen=True)
class Figures:
    """All that the front page and the report show."""

    now: Period
    before: Period
    books: Books


def figures(*, days: int, now: datetime) -> Figures:
    """Return the figures of the last `days` days, and of as many before them."""
    last = today(now)
    first = last - (days - 1) * DAY
    earlier = first - days * DAY
    each = between(earlier, last)
    cohort, cohort_before = _cohorts(earlier, first, last + DAY)
    return Figures(
        now=_period(each[days:], cohort),
        before=_period(each[:days], cohort_before),
        books=_books(each),
    )


def _period(days: Sequence[Day], cohort: Cohort) -> Period:
    return Period(days[0].day, days, _sums(days), cohort, _median_time(days))


def _median_time(days: Sequence[Day]) -> timedelta | None:
    times = [seconds for day in days for seconds in day.times_to_purchase]
    return timedelta(seconds=median(times)) if times else None


def _sums(days: Sequence[Day]) -> Sums:
    nothing = Decimal(0)
    return Sums(
        looks=sum(day.looks for day in days),
        signups=sum(day.signups for day in days),
        invited_signups=sum(day.invited_signups for day in days),
        first_purchases=sum(day.first_purchases for day in days),
        purchases=sum((day.purchases for day in days), nothing),
        bonuses=sum((day.bonuses for day in days), nothing),
        bonuses_taken=sum((day.bonuses_taken for day in days), nothing),
        refunds=sum((day.refunds for day in days), nothing),
        disputes=sum((day.disputes for day in days), nothing),
    )


# Whoever has the flag has bought; only the others' payments have to be looked for.
_COHORTS = """
SELECT users.created_at >= %(first)s AS is_now, COUNT(*),
       COUNT(*) FILTER (WHERE has_made_first_purchase OR payment.id IS NOT NULL),
       COUNT(*) FILTER (WHERE has_made_first_purchase)
FROM users
LEFT JOIN LATERAL (
    SELECT id FROM payments
    WHERE NOT users.has_made_first_purchase AND user_id = users.id AND status = 'paid' LIMIT 1
) payment ON true
WHERE users.referred_by_code IS NOT NULL
  AND users.created_at >= %(earlier)s AND users.created_at < %(end)s
GROUP BY 1
"""


def _cohorts(earlier: date, first: date, end: date) -> tuple[Cohort, Cohort]:
    """Return the cohort of the days from `first` on, and of those before it."""
    with connection.cursor() as cursor:
        limits = {"earlier": midnight(earlier), "first": midnight(first), "end": midnight(end)}
        cursor.execute(_COHORTS, limits)
        found = {is_now: Cohort(*counts) for is_now, *counts in cursor.fetchall()}
    nobody = Cohort(0, 0, 0)
    return found.get(True, nobody), found.get(False, nobody)


def _books(days: Sequence[Day]) -> Books:
    """Return what all balances and bonuses come to: the sums of all days up to the last one."""
    net, bonuses = sums_before(days[0].day)
    owed = ledger.in_debt().aggregate(total=Sum("credits"), people=Count("pk"))
    net += sum(day.net for day in days)
    bonuses += sum(day.bonuses - day.bonuses_taken for day in days)
    debts = -(owed["total"] or Decimal(0))
    return Books(outstanding=net + debts, debts=debts, debtors=owed["people"], bonuses=bonuses)
