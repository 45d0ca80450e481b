"""The totals of each day (UTC): closed days are read from a stored row, later days are counted.

A day is closed an hour after its end, when every transaction that began on it has ended. Closing a
day changes no total; it only makes the total cheap to read. Stripe may tell us days later that a
purchase was paid (CONTRACT 2.3), and a person may claim an inviter's code days after they signed up
(CONTRACT 2.2): the hourly job then counts these days again.
"""

from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import chain
from operator import add

from django.db import connection, transaction
from django.db.models import Max, OuterRef, Subquery, Sum
from django.db.models.functions import TruncDay

from accounts import advisory_locks, report_database
from accounts.models import User
from payments.models import DailyTotals, Payment
from referrals.attribution import CLAIM_PERIOD

DAY = timedelta(days=1)
_CLOSES_AFTER = timedelta(hours=1)
_FILLED_AT_ONCE = 31


@dataclass(frozen=True)
class Span:
    """Consecutive days, from `first` to `last` inclusive."""

    first: date
    last: date

    @property
    def start(self) -> datetime:
        return datetime.combine(self.first, time.min, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        return datetime.combine(self.last + DAY, time.min, tzinfo=UTC)


# The totals of one day, whether they are stored or were counted just now.
Day = DailyTotals


@dataclass(frozen=True)
class Sums:
    """Totals over several days; amounts in US dollars."""

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
    net: Decimal

    def __add__(self, later: "Sums") -> "Sums":
        return Sums(*map(add, astuple(self), astuple(later)))

    @property
    def money_back(self) -> Decimal:
        """What refunds and disputes took back, including what was reinstated later."""
        return self.refunds + self.disputes


_SUMMED = tuple(field.name for field in fields(Sums))

# A reversal counts on its own day, not on the day of the entry that it reverses.
ENTRY_SUMS = """
           SUM(entry.amount) AS net,
           SUM(entry.amount) FILTER (WHERE entry.kind = 'purchase') AS purchases,
           SUM(entry.amount) FILTER (
               WHERE entry.kind IN ('referrer_bonus', 'referee_bonus')) AS bonuses,
           -SUM(entry.amount) FILTER (
               WHERE original.kind IN ('referrer_bonus', 'referee_bonus')) AS bonuses_taken,
           -SUM(entry.amount) FILTER (WHERE entry.kind = 'refund') AS refunds,
           -SUM(entry.amount) FILTER (WHERE entry.kind = 'dispute') AS disputes,
           SUM(entry.amount) FILTER (WHERE original.kind IN ('refund', 'dispute')) AS reinstated,
           SUM(entry.amount) FILTER (WHERE entry.kind = 'adjustment') AS adjustments,
           SUM(entry.amount) FILTER (WHERE original.kind = 'adjustment') AS adjustments_reversed
    FROM ledger_entries entry LEFT JOIN ledger_entries original ON original.id = entry.reverses_id
"""
# A first qualifying purchase has neither the decision below_minimum nor not_first. Its buyer may
# have made earlier purchases below the minimum.
_COUNT = f"""
SELECT days.day::date AS day, COALESCE(invite_views, 0), COALESCE(signups, 0),
       COALESCE(invited_signups, 0), COALESCE(first_purchases, 0), COALESCE(times, '{{}}'),
       COALESCE(bought_at, '{{}}'), COALESCE(qualified_at, '{{}}'),
       COALESCE(purchases, 0.00), COALESCE(bonuses, 0.00), COALESCE(bonuses_taken, 0.00),
       COALESCE(refunds, 0.00), COALESCE(disputes, 0.00),
       COALESCE(reinstated, 0.00), COALESCE(net, 0.00),
       COALESCE(adjustments, 0.00), COALESCE(adjustments_reversed, 0.00)
FROM generate_series(%(first)s::timestamp, %(last)s::timestamp, '1 day') AS days (day)
LEFT JOIN (
    SELECT day::timestamp AS day, SUM(views) AS invite_views FROM invite_views
    WHERE day BETWEEN %(first)s AND %(last)s
    GROUP BY 1
) viewed USING (day)
LEFT JOIN (
    SELECT date_trunc('day', created_at AT TIME ZONE 'UTC') AS day, COUNT(*) AS signups,
           COUNT(referred_by_code) AS invited_signups
    FROM users WHERE created_at >= %(start)s AND created_at < %(end)s
    GROUP BY 1
) signed_up USING (day)
LEFT JOIN (
    SELECT date_trunc('day', paid_at AT TIME ZONE 'UTC') AS day,
           COUNT(*) FILTER (WHERE qualifies) AS first_purchases,
           ARRAY_AGG(EXTRACT(epoch FROM paid_at - created_at)::int)
               FILTER (WHERE qualifies AND is_invited) AS times,
           ARRAY_AGG(age) FILTER (WHERE qualifies AND is_invited) AS qualified_at,
           ARRAY_AGG(age) FILTER (WHERE is_invited AND NOT EXISTS (
               SELECT FROM payments earlier
               WHERE earlier.user_id = buyer AND earlier.status = 'paid'
                 AND (earlier.paid_at, earlier.id) < (purchase.paid_at, purchase.id)
           )) AS bought_at
    FROM (
        SELECT payments.id, paid_at, users.id AS buyer, users.created_at,
               bonus_decision NOT IN ('below_minimum', 'not_first') AS qualifies,
               users.referred_by_code IS NOT NULL AS is_invited,
               (paid_at AT TIME ZONE 'UTC')::date
                   - (users.created_at AT TIME ZONE 'UTC')::date AS age
        FROM payments JOIN users ON users.id = payments.user_id
        WHERE status = 'paid' AND paid_at >= %(start)s AND paid_at < %(end)s
    ) purchase
    GROUP BY 1
) bought USING (day)
LEFT JOIN (
    SELECT date_trunc('day', entry.created_at AT TIME ZONE 'UTC') AS day, {ENTRY_SUMS}
    WHERE entry.created_at >= %(start)s AND entry.created_at < %(end)s
    GROUP BY 1
) posted USING (day)
ORDER BY day
"""


def today(now: datetime) -> date:
    return now.astimezone(UTC).date()


def days_of(span: Span) -> list[Day]:
    first, last = span.first, span.last
    closed = list(Day.objects.filter(day__gte=first, day__lte=last).order_by("day"))
    if not closed:
        return _count(first, last)
    # Days are closed in order, so all that are open come before the first or after the last.
    before, after = _count(first, closed[0].day - DAY), _count(closed[-1].day + DAY, last)
    return [*before, *closed, *after]


def sums_of(days: Sequence[Day]) -> Sums:
    """Return the totals over these days."""
    return Sums(**{name: sum(getattr(day, name) for day in days) for name in _SUMMED})


def close_days(*, now: datetime) -> int:
    """Store the totals of each day that is over, and return the number of these days."""
    last = today(now - _CLOSES_AFTER) - DAY
    with transaction.atomic(), connection.cursor() as cursor:
        # Race: two workers would both insert the same days.
        advisory_locks.lock("daily_totals")
        # The first run counts all days since the first account.
        cursor.execute("SET LOCAL statement_timeout = 0")
        first = _first_open_day()
        days = _count(first, last)
        changed = sorted(_days_of_late_payments(first) | _days_of_late_claims(first))
        again = [day for late in changed for day in _count(late, late)]
        Day.objects.bulk_create(
            days + again,
            update_conflicts=True,
            unique_fields=["day"],
            # The invite views of a day that is over do not change, and `retention` deletes them.
            update_fields=[
                field.name
                for field in Day._meta.concrete_fields
                if not field.primary_key and field.name != "invite_views"
            ],
        )
    return len(days)


def _days_of_late_payments(first: date) -> set[date]:
    """Return the closed days that purchases change which were posted late, since the last one.

    These are the day of each, and that of the buyer's next purchase, which is no longer the first.
    """
    if first == date.max:
        return set()
    late = Payment.objects.filter(
        paid_at__lt=Span(first, first).start,
        ledger_entry__created_at__gte=Span(first - DAY, first).start,
        ledger_entry__created_at__gt=TruncDay("paid_at", tzinfo=UTC) + DAY,
    )
    of_buyer = Payment.objects.filter(user=OuterRef("user"), paid_at__gt=OuterRef("paid_at"))
    next_paid_at = Subquery(of_buyer.order_by("paid_at", "pk").values("paid_at")[:1])
    moments = chain.from_iterable(late.values_list("paid_at", next_paid_at))
    return {day for day in map(today, filter(None, moments)) if day < first}


def _days_of_late_claims(first: date) -> set[date]:
    """Return the closed days on which people signed up who were claimed since the last one."""
    if first == date.max:
        return set()
    since = Span(first - DAY, first).start
    claimed = User.objects.filter(
        created_at__gte=since - CLAIM_PERIOD,
        created_at__lt=Span(first, first).start,
        claimed_at__gte=since,
    )
    return set(map(today, claimed.values_list("created_at", flat=True)))


def fill_days() -> int:
    """Store what days lack that an earlier version closed, the latest first; return how many."""
    days = Day.objects.filter(adjustments=None).order_by("-day").values_list("day", flat=True)
    lacking = list(days[:_FILLED_AT_ONCE])
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        counted = [day for each in lacking for day in _count(each, each)]
        Day.objects.bulk_update(counted, ["adjustments", "adjustments_reversed"])
    return len(lacking)


def sums_before(day: date) -> Sums:
    """Return the totals over all days before `day`."""
    # Race: the last closed day is read with the sums, or a day that is closed meanwhile is lost.
    closed = Day.objects.filter(day__lt=day).aggregate(
        last=Max("day"), **{name: Sum(name, default=0) for name in _SUMMED}
    )
    last = closed.pop("last")
    open_days = _count(last + DAY if last else _first_open_day(), day - DAY)
    return Sums(**closed) + sums_of(open_days)


def clear() -> None:
    """Delete all stored days, before example data with dates in the past is written."""
    Day.objects.all().delete()


def _first_open_day() -> date:
    """Return the day after the last closed one; without one, the day of the first account."""
    latest = Day.objects.order_by("-day").values_list("day", flat=True).first()
    if latest:
        return latest + DAY
    first = User.objects.order_by("created_at").values_list("created_at", flat=True).first()
    return today(first) if first else date.max


def _count(first: date, last: date) -> list[Day]:
    if first > last:
        return []
    span = Span(first, last)
    with report_database.connection().cursor() as cursor:
        cursor.execute(_COUNT, asdict(span) | {"start": span.start, "end": span.end})
        return [Day(*row) for row in cursor.fetchall()]
