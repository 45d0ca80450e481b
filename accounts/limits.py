"""How often somebody may do something: counted by PostgreSQL, for all processes together.

A window opens with the first use and is one period long; in it at most `most` uses are let
through, whatever the number of threads, processes and machines. The next window opens with the
first use after its end, so that around a border up to twice as many can fall close together.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils.crypto import salted_hmac


class LimitReachedError(Exception):
    """No use is left in the window; the next one opens after `wait`."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(wait)
        self.wait = wait


# One statement counts the use, opens a new window where the last one is over, and with each new
# window sweeps out two that nobody came back to: there are never more rows than callers once were
# active at a time. The sweep reads `used`, and so begins with its own row locked; from then on it
# waits for nobody (SKIP LOCKED): two of them cannot wait for each other.
_USE = """
WITH used AS (
    INSERT INTO limit_windows AS open (key, uses, ends_at)
    VALUES (%(key)s, 1, %(ends_at)s)
    ON CONFLICT (key) DO UPDATE SET
        uses = CASE WHEN open.ends_at <= %(now)s THEN 1 ELSE open.uses + 1 END,
        ends_at = CASE WHEN open.ends_at <= %(now)s THEN excluded.ends_at ELSE open.ends_at END
    RETURNING key, uses, ends_at
), past AS (
    SELECT limit_windows.key FROM used, limit_windows
    WHERE used.uses = 1 AND limit_windows.ends_at <= %(now)s AND limit_windows.key <> used.key
    LIMIT 2
    FOR UPDATE OF limit_windows SKIP LOCKED
), swept AS (
    DELETE FROM limit_windows USING past WHERE limit_windows.key = past.key
)
SELECT uses, ends_at FROM used
"""


def use(*, what: str, who: str, most: int, period: timedelta, now: datetime) -> None:
    """Count that `who` does `what`, in a transaction of its own unless there is one.

    Raises LimitReachedError when `who` has done it `most` times in this window.
    """
    params: dict[str, Any] = {"key": _key(what, who), "now": now, "ends_at": now + period}
    with connection.cursor() as cursor:
        cursor.execute(_USE, params)
        uses, ends_at = cursor.fetchone()
    if uses > most:
        raise LimitReachedError(ends_at - now)


def _key(what: str, who: str) -> bytes:
    """Return what the database knows of `who`: addresses are personal data."""
    return salted_hmac("accounts.limits", f"{what} {who}", algorithm="sha256").digest()
