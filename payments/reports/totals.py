"""The program's totals: of a period, of its cohort, and of all balances and bonuses.

A period is a number of days that ends today (UTC). It is compared with the period of the same
length before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from statistics import median

from accounts import report_database
from payments.reports.daily import DAY, Day, Span, Sums, days_of, sums_before, sums_of, today

_TENTH = Decimal("0.1")
_EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Cohort:
    """The people who signed up with a code in a period: how many had purchased at its end.

    Purchases after the period do not count, because the earlier of two periods would then look
    better just by its age.
    """

    invited: int
    bought: int
    qualified: int

    @property
    def conversion(self) -> Decimal | None:
        """The percentage of the cohort that made its first qualifying purchase.

        The wiki's formula divides the number of referrals by the number of people in them, which
        is always 100 %.
        """
        if not self.invited:
            return None
        return (Decimal(100 * self.qualified) / self.invited).quantize(_TENTH, ROUND_HALF_UP)


@dataclass(frozen=True)
class Debts:
    """What users owe us: the sum of balances below zero, as a positive number of US dollars."""

    total: Decimal
    people: int


@dataclass(frozen=True)
class Credit:
    """All balances together at a point in time, in US dollars."""

    net: Decimal
    debts: Debts

    @property
    def outstanding(self) -> Decimal:
        """What we owe: the sum of balances above zero."""
        return self.net + self.debts.total


@dataclass(frozen=True)
class Books(Credit):
    """The same with the sums of all bonuses."""

    bonuses_given: Decimal  # including bonuses that were taken back later
    bonuses_taken: Decimal

    @property
    def bonuses(self) -> Decimal:
        """Bonuses that are not taken back, of all time."""
        return self.bonuses_given - self.bonuses_taken


@dataclass(frozen=True)
class Period:
    """A period: its days, their sums, its cohort, and the time from sign-up to purchase."""

    span: Span
    days: Sequence[Day]
    sums: Sums
    cohort: Cohort
    time_to_purchase: timedelta | None  # the median over people who signed up with a code


@dataclass(frozen=True)
class ProgramTotals:
    """All that the dashboard and the report show."""

    now: Period
    before: Period
    books: Books
    books_before: Books  # at the end of the period before this one


def program_totals(*, days: int, now: datetime) -> ProgramTotals:
    """Return the totals of the last `days` days, and of the same number of days before them."""
    last = today(now)
    first = last - (days - 1) * DAY
    earlier = first - days * DAY
    all_days = days_of(Span(earlier, last))
    period = _period(Span(first, last), all_days[days:])
    before = _period(Span(earlier, first - DAY), all_days[:days])
    at_start = sums_before(earlier) + before.sums
    debts_at_start, debts = debts_before(period.span.start, _EVER)
    return ProgramTotals(
        now=period,
        before=before,
        books=_books(at_start + period.sums, debts),
        books_before=_books(at_start, debts_at_start),
    )


def times_to_purchase(days: Sequence[Day]) -> list[int]:
    """Return the seconds from sign-up with a code to each first qualifying purchase."""
    return [seconds for day in days for seconds in day.times_to_purchase]


def _period(span: Span, days: Sequence[Day]) -> Period:
    times = times_to_purchase(days)
    median_time = timedelta(seconds=median(times)) if times else None
    return Period(span, days, sums_of(days), _cohort(days), median_time)


def _cohort(days: Sequence[Day]) -> Cohort:
    """Return the people who signed up with a code on these days, and how many purchased."""
    return Cohort(
        invited=sum(day.invited_signups for day in days),
        bought=_count_in_cohort(days, [day.ages_at_purchase for day in days]),
        qualified=_count_in_cohort(days, [day.ages_at_qualifying for day in days]),
    )


def _count_in_cohort(days: Sequence[Day], ages: Sequence[Sequence[int]]) -> int:
    """Count the purchases by people who signed up on one of these days."""
    # On the day with index n, they are the people whose account is at most n days old.
    return sum(age <= index for index, _ in enumerate(days) for age in ages[index])


# An account's balance is the `balance_after` of its last entry. There are few entries below zero,
# and they have an index.
_DEBTS = """
SELECT COALESCE(-SUM(entry.balance_after), 0.00), COUNT(entry.id)
FROM unnest(%(moments)s::timestamptz[]) WITH ORDINALITY AS before (moment, place)
LEFT JOIN (
    SELECT entry.id, entry.balance_after, entry.created_at, later.created_at AS replaced_at
    FROM ledger_entries entry
    LEFT JOIN ledger_entries later
        ON later.user_id = entry.user_id AND later.number = entry.number + 1
    WHERE entry.balance_after < 0
) entry ON entry.created_at < moment AND COALESCE(replaced_at, 'infinity') >= moment
GROUP BY place ORDER BY place
"""


def debts_before(*moments: datetime) -> list[Debts]:
    """Return the debts by the entries that were posted before each of these moments."""
    with report_database.connection().cursor() as cursor:
        cursor.execute(_DEBTS, {"moments": list(moments)})
        return [Debts(*row) for row in cursor.fetchall()]


def _books(sums: Sums, debts: Debts) -> Books:
    return Books(sums.net, debts, bonuses_given=sums.bonuses, bonuses_taken=sums.bonuses_taken)
