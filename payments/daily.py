"""What happened on each day (UTC): of closed days by a row that is kept, since then counted live.

A day is closed an hour after its end, when nothing that was under way at midnight can still be.
Whether and when days are closed changes no figure, only what it costs to have it.
"""

from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import Max, Sum

from accounts import turns
from accounts.models import User
from payments.report_models import DailyFigures

DAY = timedelta(days=1)
_CLOSES_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class Day:
    """The figures of one day; amounts in US dollars, times in seconds."""

    day: date
    looks: int
    signups: int
    invited_signups: int
    first_purchases: int
    times_to_purchase: list[int]
    purchases: Decimal
    bonuses: Decimal
    bonuses_taken: Decimal
    refunds: Decimal
    disputes: Decimal
    net: Decimal


COLUMNS = tuple(field.name for field in fields(Day))
_NOTHING: tuple[Any, ...] = (0, 0, 0, 0, [], *6 * (Decimal(0),))

# What a reversal reverses belongs to the day of the reversal, under the name of its original.
# A first qualifying purchase is one at which neither of the two gates before it said no.
_COUNT = """
SELECT days.day::date AS day, COALESCE(looks, 0), COALESCE(signups, 0),
       COALESCE(invited_signups, 0), COALESCE(first_purchases, 0), COALESCE(times, '{}'),
       COALESCE(purchases, 0.00), COALESCE(bonuses, 0.00), COALESCE(bonuses_taken, 0.00),
       COALESCE(refunds, 0.00), COALESCE(disputes, 0.00), COALESCE(net, 0.00)
FROM generate_series(%(first)s::timestamp, %(last)s::timestamp, '1 day') AS days (day)
LEFT JOIN (
    SELECT day::timestamp AS day, SUM(looks) AS looks FROM invitation_looks
    WHERE day BETWEEN %(first)s AND %(last)s
    GROUP BY 1
) looked USING (day)
LEFT JOIN (
    SELECT date_trunc('day', created_at AT TIME ZONE 'UTC') AS day, COUNT(*) AS signups,
           COUNT(referred_by_code) AS invited_signups
    FROM users WHERE created_at >= %(start)s AND created_at < %(end)s
    GROUP BY 1
) signed_up USING (day)
LEFT JOIN (
    SELECT date_trunc('day', paid_at AT TIME ZONE 'UTC') AS day, COUNT(*) AS first_purchases,
           ARRAY_AGG(EXTRACT(epoch FROM paid_at - users.created_at)::int)
               FILTER (WHERE users.referred_by_code IS NOT NULL) AS times
    FROM payments JOIN users ON users.id = payments.user_id
    WHERE status = 'paid' AND paid_at >= %(start)s AND paid_at < %(end)s
      AND bonus_decision NOT IN ('below_minimum', 'not_first')
    GROUP BY 1
) bought USING (day)
LEFT JOIN (
    SELECT date_trunc('day', entry.created_at AT TIME ZONE 'UTC') AS day,
           SUM(entry.amount) AS net,
           SUM(entry.amount) FILTER (WHERE entry.kind = 'purchase') AS purchases,
           SUM(entry.amount) FILTER (
               WHERE entry.kind IN ('referrer_bonus', 'referee_bonus')) AS bonuses,
           -SUM(entry.amount) FILTER (
               WHERE original.kind IN ('referrer_bonus', 'referee_bonus')) AS bonuses_taken,
           -SUM(entry.amount) FILTER (
               WHERE 'refund' IN (entry.kind, original.kind)) AS refunds,
           -SUM(entry.amount) FILTER (
               WHERE 'dispute' IN (entry.kind, original.kind)) AS disputes
    FROM ledger_entries entry LEFT JOIN ledger_entries original ON original.id = entry.reverses_id
    WHERE entry.created_at >= %(start)s AND entry.created_at < %(end)s
    GROUP BY 1
) posted USING (day)
ORDER BY day
"""


def midnight(day: date) -> datetime:
    """Return the moment at which `day` begins."""
    return datetime.combine(day, time.min, tzinfo=UTC)


def today(now: datetime) -> date:
    """Return the day that it is in UTC."""
    return now.astimezone(UTC).date()


def between(first: date, last: date) -> list[Day]:
    """Return the figures of each day from `first` to `last`."""
    kept = DailyFigures.objects.filter(day__gte=first, day__lte=last).order_by("day")
    days = {row[0]: Day(*row) for row in kept.values_list(*COLUMNS)}
    # Days are closed in order: those that are not follow those that are.
    for day in _count(max(days) + DAY if days else first, last):
        days[day.day] = day
    every = (first + number * DAY for number in range((last - first).days + 1))
    return [days.get(day) or Day(day, *_NOTHING) for day in every]


def close_days(*, now: datetime) -> int:
    """Keep the figures of each day that is over, and return how many were closed."""
    last = today(now - _CLOSES_AFTER) - DAY
    with transaction.atomic(), connection.cursor() as cursor:
        turns.take_turn("daily_figures")
        cursor.execute("SET LOCAL statement_timeout = 0")
        days = _count(first_open_day(), last)
        DailyFigures.objects.bulk_create(
            [DailyFigures(**{name: getattr(day, name) for name in COLUMNS}) for day in days]
        )
    return len(days)


def sums_before(day: date) -> tuple[Decimal, Decimal]:
    """Return what all entries before `day` come to, and what of it is bonuses that stood then."""
    kept = DailyFigures.objects.filter(day__lt=day).aggregate(
        last=Max("day"), net=Sum("net"), bonuses=Sum("bonuses") - Sum("bonuses_taken")
    )
    open_days = _count(kept["last"] + DAY if kept["last"] else first_open_day(), day - DAY)
    net = sum((one.net for one in open_days), kept["net"] or Decimal(0))
    bonuses = sum((one.bonuses - one.bonuses_taken for one in open_days), kept["bonuses"] or 0)
    return net, Decimal(bonuses)


def reopen() -> None:
    """Forget what was kept, as history is written that lies on closed days."""
    DailyFigures.objects.all().delete()


def first_open_day() -> date:
    """Return the day after the last that is closed; without any, the one of the first account."""
    latest = DailyFigures.objects.order_by("-day").values_list("day", flat=True).first()
    if latest:
        return latest + DAY
    first = User.objects.order_by("created_at").values_list("created_at", flat=True).first()
    return today(first) if first else date.max


def _count(first: date, last: date) -> list[Day]:
    if first > last:
        return []
    span = {"first": first, "last": last, "start": midnight(first), "end": midnight(last + DAY)}
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, span)
        return [Day(*row) for row in cursor.fetchall()]
