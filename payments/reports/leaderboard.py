"""The leaderboard: how many friends each referrer referred, what they earned, what friends paid.

Counting the whole history is too slow for a page. So pages read a snapshot, `LeaderboardEntry`,
which the worker replaces every few minutes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, get_args

from django.db import connection, transaction
from django.db.models import Q

from accounts import advisory_locks, report_database
from accounts.models import User
from referrals.models import LeaderboardEntry, Program

Measure = Literal["referrals", "earnings", "revenue"]
MEASURES: tuple[Measure, ...] = get_args(Measure)

DAYS: Mapping[LeaderboardEntry.Period, int | None] = {
    LeaderboardEntry.Period.ALL: None,
    LeaderboardEntry.Period.MONTH: 30,
    LeaderboardEntry.Period.WEEK: 7,
}

# A referrer has a row in a period if a friend signed up with their code, or paid, in that period.
_ROWS = """
WITH friends AS (
    SELECT referred_by_code AS code, COUNT(*) AS signups,
           COUNT(*) FILTER (WHERE has_made_first_purchase) AS qualified
    FROM users
    WHERE referred_by_code IS NOT NULL AND created_at >= %(since)s
    GROUP BY referred_by_code
), paid AS (
    SELECT friend.referred_by_code AS code,
           COUNT(DISTINCT friend.id) FILTER (WHERE payments.amount > taken_back) AS payers,
           SUM(payments.amount - payments.taken_back) AS cents
    FROM payments JOIN users friend ON friend.id = payments.user_id
    WHERE friend.referred_by_code IS NOT NULL
      AND payments.status = 'paid' AND payments.paid_at >= %(since)s
    GROUP BY friend.referred_by_code
), used AS (
    SELECT referrer_id, COUNT(*) AS uses,
           COUNT(*) FILTER (WHERE status = 'completed' AND completed_at >= %(since)s) AS referrals,
           SUM(bonus_amount) FILTER (WHERE status = 'completed' AND completed_at >= %(since)s)
               AS earned
    FROM referrals
    GROUP BY referrer_id
), counted AS (
    SELECT users.id AS user_id, users.username, users.referral_code,
           COALESCE(signups, 0) AS signups, COALESCE(qualified, 0) AS qualified,
           COALESCE(referrals, 0) AS referrals, COALESCE(earned, 0.00) AS earned,
           COALESCE(cents, 0) / 100.00 AS revenue, COALESCE(payers, 0) AS payers,
           GREATEST(%(max_uses)s - COALESCE(uses, 0), 0) AS uses_left
    FROM friends FULL JOIN paid USING (code)
    JOIN users ON users.referral_code = code
    LEFT JOIN used ON used.referrer_id = users.id
)
SELECT *,
       ROW_NUMBER() OVER (ORDER BY referrals DESC, earned DESC, user_id) AS place_by_referrals,
       ROW_NUMBER() OVER (ORDER BY earned DESC, referrals DESC, user_id) AS place_by_earnings,
       ROW_NUMBER() OVER (ORDER BY revenue DESC, referrals DESC, user_id) AS place_by_revenue,
       CASE WHEN referrals > 0 THEN RANK() OVER (ORDER BY referrals DESC) END AS rank_by_referrals,
       CASE WHEN earned > 0 THEN RANK() OVER (ORDER BY earned DESC) END AS rank_by_earnings,
       CASE WHEN revenue > 0 THEN RANK() OVER (ORDER BY revenue DESC) END AS rank_by_revenue
FROM counted
"""

_COLUMNS = (
    "user_id, signups, qualified, referrals, earned, revenue, payers, uses_left,"
    " place_by_referrals, place_by_earnings, place_by_revenue,"
    " rank_by_referrals, rank_by_earnings, rank_by_revenue"
)
_REPLACE = f"""
INSERT INTO leaderboard_entries (period, computed_at, {_COLUMNS})
SELECT %(period)s, %(now)s, {_COLUMNS} FROM ({_ROWS}) AS counted
"""

_TOP = f"""
SELECT rank_by_{{by}}, username, referral_code, referrals, ROUND(earned, 2),
       ROUND(revenue, 2), signups, qualified,
       ROUND(100.0 * qualified / NULLIF(signups, 0), 1), uses_left
FROM ({_ROWS}) AS counted
WHERE rank_by_{{by}} IS NOT NULL
ORDER BY place_by_{{by}} LIMIT %(limit)s
"""


@dataclass(frozen=True)
class Leader:
    """A row of the leaderboard; amounts in US dollars.

    `qualified` counts the `signups` that have made a qualifying purchase until now, `conversion` is
    their percentage. `referrals` also counts friends who signed up before the period.
    """

    rank: int
    username: str
    referral_code: str
    referrals: int
    earned: Decimal
    revenue: Decimal
    signups: int
    qualified: int
    conversion: Decimal | None
    uses_left: int


def leaderboard(
    *, now: datetime, limit: int, days: int | None = None, by: Measure = "referrals"
) -> list[Leader]:
    """Count the leaderboard of the last `days` days, or of all time, without the snapshot.

    Ties share a rank. Referrers whose measure is zero are left out.
    """
    top, database = _TOP.format(by=by), report_database.connection()
    with transaction.atomic(database.alias), database.cursor() as cursor:
        _disable_timeout(cursor)
        cursor.execute(top, _period(days, now=now) | {"limit": limit})
        return [Leader(*row) for row in cursor.fetchall()]


def refresh(*, now: datetime) -> bool:
    """Replace the snapshot of every period; False when another process is replacing it now."""
    # One transaction: readers see the old snapshot until the new one is complete.
    with transaction.atomic(), connection.cursor() as cursor:
        if not advisory_locks.try_lock("leaderboard"):
            return False
        _disable_timeout(cursor)
        for period, days in DAYS.items():
            cursor.execute("DELETE FROM leaderboard_entries WHERE period = %s", [period])
            cursor.execute(_REPLACE, _period(days, now=now) | {"period": period, "now": now})
    return True


def snapshot_rows(
    period: LeaderboardEntry.Period, *, by: Measure, top: int, user: User
) -> list[LeaderboardEntry]:
    """Return the first `top` rows of the snapshot, and the row of `user`, in one query.

    A row whose measure is zero has no rank.
    """
    place = f"place_by_{by}"
    of_period = LeaderboardEntry.objects.filter(period=period)
    rows = of_period.filter(Q(**{f"{place}__lte": top}) | Q(user=user)).select_related("user")
    return list(rows.order_by(place))


def ensure_snapshot(*, now: datetime) -> None:
    """Make the first snapshot, unless there is one or nobody has signed up with a code."""
    has_snapshot = LeaderboardEntry.objects.exists()
    if not has_snapshot and User.objects.exclude(referred_by_code=None).exists():
        refresh(now=now)


def snapshot_time(period: LeaderboardEntry.Period) -> datetime | None:
    """Return when the snapshot was made; None if there is none, or it has no rows."""
    rows = LeaderboardEntry.objects.filter(period=period).order_by("place_by_referrals")
    return rows.values_list("computed_at", flat=True).first()


def _period(days: int | None, *, now: datetime) -> dict[str, Any]:
    return {
        "since": "-infinity" if days is None else now - timedelta(days=days),
        "max_uses": Program.objects.at(now).get().max_uses,
    }


def _disable_timeout(cursor: Any) -> None:
    """Let this transaction take longer than the limit for a request."""
    cursor.execute("SET LOCAL statement_timeout = 0")
