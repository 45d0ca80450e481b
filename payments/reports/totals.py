"""How the program does: a period's figures, the funnel, what we owe, and how long people take.

A period is a number of days up to and including today (UTC); the one before it is as long.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from statistics import median

from django.db import connection

from payments.reports.daily import DAY, Day, Span, Totals, between, today, totals_before

_TENTH = Decimal("0.1")


@dataclass(frozen=True)
class Sums:
    """What happened over some days; amounts in US dollars."""

    invite_views: int
    signups: int
    invited_signups: int
    first_purchases: int
    purchases: Decimal
    bonuses: Decimal
    bonuses_taken: Decimal
    refunds: Decimal
    disputes: Decimal
    reinstated: Decimal

    @property
    def money_back(self) -> Decimal:
        """What refunds and disputes took together, whatever was given again."""
        return self.refunds + self.disputes


@dataclass(frozen=True)
class Cohort:
    """Who signed up by a code within a period, and how far these people were at its end.

    So two periods can be compared: people of the earlier one have not had more time.
    """

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
class Debts:
    """What people owe us: all balances below zero, as a positive number of US dollars."""

    total: Decimal
    people: int


@dataclass(frozen=True)
class Books:
    """What all balances and bonuses came to at a moment, in US dollars."""

    outstanding: Decimal  # what we owe: all balances above zero
    debts: Debts
    bonuses_given: Decimal  # also those that were taken back later
    bonuses_taken: Decimal

    @property
    def bonuses(self) -> Decimal:
        """Bonuses paid in all: those that stand, as in each person's `total_earned`."""
        return self.bonuses_given - self.bonuses_taken


@dataclass(frozen=True)
class Period:
    """A period: its days, their sums, who signed up in it by a code, and how long buying took."""

    span: Span
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
    books_before: Books  # at the end of the period before


def figures(*, days: int, now: datetime) -> Figures:
    """Return the figures of the last `days` days, and of as many before them."""
    last = today(now)
    first = last - (days - 1) * DAY
    earlier = first - days * DAY
    each = between(Span(earlier, last))
    at_start = totals_before(earlier).after(each[:days])
    debts, debts_before = _debts(Span(first, last))
    return Figures(
        now=_period(Span(first, last), each[days:]),
        before=_period(Span(earlier, first - DAY), each[:days]),
        books=_books(at_start.after(each[days:]), debts),
        books_before=_books(at_start, debts_before),
    )


def sums(span: Span) -> Sums:
    """Return what happened over these days."""
    return _sums(between(span))


def books(*, now: datetime) -> Books:
    """Return what all balances and bonuses come to."""
    days = Span(today(now), today(now))
    return _books(totals_before(days.last + DAY), _debts(days)[0])


def times_to_purchase(days: Sequence[Day]) -> list[int]:
    """Return after how many seconds those who came by a code bought on these days."""
    return [seconds for day in days for seconds in day.times_to_purchase]


def _period(span: Span, days: Sequence[Day]) -> Period:
    times = times_to_purchase(days)
    median_time = timedelta(seconds=median(times)) if times else None
    return Period(span, days, _sums(days), cohort(days), median_time)


def _sums(days: Sequence[Day]) -> Sums:
    nothing = Decimal(0)
    return Sums(
        invite_views=sum(day.invite_views for day in days),
        signups=sum(day.signups for day in days),
        invited_signups=sum(day.invited_signups for day in days),
        first_purchases=sum(day.first_purchases for day in days),
        purchases=sum((day.purchases for day in days), nothing),
        bonuses=sum((day.bonuses for day in days), nothing),
        bonuses_taken=sum((day.bonuses_taken for day in days), nothing),
        refunds=sum((day.refunds for day in days), nothing),
        disputes=sum((day.disputes for day in days), nothing),
        reinstated=sum((day.reinstated for day in days), nothing),
    )


def cohort(days: Sequence[Day]) -> Cohort:
    """Return who signed up by a code on these days, and how far they were at their end."""
    return Cohort(
        invited=sum(day.invited_signups for day in days),
        bought=_of_these(days, [day.ages_at_purchase for day in days]),
        qualified=_of_these(days, [day.ages_at_qualifying for day in days]),
    )


def _of_these(days: Sequence[Day], ages: Sequence[Sequence[int]]) -> int:
    """Count the accounts that were not made before the first of these days."""
    return sum(age <= passed for passed, _ in enumerate(days) for age in ages[passed])


# A balance is what the account's last entry says; the few that were ever below zero have an index.
_DEBTS = """
SELECT COALESCE(-SUM(entry.balance_after) FILTER (WHERE later.id IS NULL), 0.00),
       COUNT(*) FILTER (WHERE later.id IS NULL),
       COALESCE(-SUM(entry.balance_after) FILTER (WHERE stood_at_start), 0.00),
       COUNT(*) FILTER (WHERE stood_at_start)
FROM ledger_entries entry
LEFT JOIN ledger_entries later
    ON later.user_id = entry.user_id AND later.number = entry.number + 1
CROSS JOIN LATERAL (
    SELECT entry.created_at < %(start)s
       AND (later.id IS NULL OR later.created_at >= %(start)s) AS stood_at_start
) moment
WHERE entry.balance_after < 0
"""


def _debts(span: Span) -> tuple[Debts, Debts]:
    """Return the debts of now, and those with which the span began."""
    with connection.cursor() as cursor:
        cursor.execute(_DEBTS, {"start": span.start})
        total, people, total_before, people_before = cursor.fetchone()
    return Debts(total, people), Debts(total_before, people_before)


def _books(totals: Totals, debts: Debts) -> Books:
    return Books(
        outstanding=totals.net + debts.total,
        debts=debts,
        bonuses_given=totals.bonuses,
        bonuses_taken=totals.bonuses_taken,
    )
