"""Rate limits, counted in PostgreSQL for all processes together.

A window opens with a caller's first use and lasts one period; `limit` uses are allowed in it,
whatever the number of threads, processes and machines. The next window opens with the first use
after that, so up to twice the limit can come close together around the end of a window.
"""

from datetime import datetime, timedelta
from typing import Any

from django.utils.crypto import salted_hmac

from accounts import prepared
from accounts.errors import AccountError


class LimitReachedError(AccountError):
    """The window has no uses left; the next one can open after `wait`."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(wait)
        self.wait = wait


# One statement counts the use, and opens a new window if the last one has ended. With each new
# window it deletes up to two ended ones of other callers, so the table does not grow for ever.
# Deadlocks: `ended` reads `counted`, so this caller's row is locked first; after that the deletion
# waits for no lock (SKIP LOCKED).
_COUNT = """
WITH counted AS (
    INSERT INTO limit_windows AS open (key, uses, ends_at)
    VALUES (%(key)s, 1, %(ends_at)s)
    ON CONFLICT (key) DO UPDATE SET
        uses = CASE WHEN open.ends_at <= %(now)s THEN 1 ELSE open.uses + 1 END,
        ends_at = CASE WHEN open.ends_at <= %(now)s THEN excluded.ends_at ELSE open.ends_at END
    RETURNING key, uses, ends_at
), ended AS (
    SELECT limit_windows.key FROM counted, limit_windows
    WHERE counted.uses = 1 AND limit_windows.ends_at <= %(now)s AND limit_windows.key <> counted.key
    LIMIT 2
    FOR UPDATE OF limit_windows SKIP LOCKED
), deleted AS (
    DELETE FROM limit_windows USING ended WHERE limit_windows.key = ended.key
)
SELECT uses, ends_at FROM counted
"""


def count(*, action: str, caller: str, limit: int, period: timedelta, now: datetime) -> None:
    """Count one use of `action` by `caller`, in a transaction of its own unless one is open.

    Raises LimitReachedError when the window already has `limit` uses.
    """
    # The database gets only an HMAC: `caller` may be an address, which is personal data.
    key = salted_hmac("accounts.limits", f"{action} {caller}", algorithm="sha256").digest()
    params: dict[str, Any] = {"key": key, "now": now, "ends_at": now + period}
    [(uses, ends_at)] = prepared.fetch(_COUNT, params)
    if uses > limit:
        raise LimitReachedError(ends_at - now)
