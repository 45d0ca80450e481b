"""Counts how often invitations are viewed: the first step of the funnel."""

from datetime import UTC, datetime

from django.db import InternalError
from psycopg.errors import ReadOnlySqlTransaction

from accounts.prepared import Query
from referrals import codes
from referrals.codes import FoundCode

# One statement finds the code and counts the view, unless the code is used up. It locks no user's
# row and does not wait for the disk: losing the last views in a power failure is acceptable.
# Outside of a transaction it commits by itself.
_FIND_AND_COUNT = Query(
    codes.found,
    within="""
WITH found AS MATERIALIZED ({}), counted AS (
    INSERT INTO invite_views AS existing (day, user_id, views)
    SELECT %(day)s::date, id, 1 FROM found, set_config('synchronous_commit', 'off', true)
    WHERE uses < max_uses
    ON CONFLICT (day, user_id) DO UPDATE SET views = existing.views + 1
)
SELECT * FROM found""",
)


def find_and_count(typed: object, *, now: datetime) -> FoundCode | None:
    """Find a code as `codes.find` does, and count a view of it if it has uses left.

    Call it outside of transactions. A database that is read-only counts nothing.
    """
    day = now.astimezone(UTC).date()
    try:
        return codes.find(typed, now=now, query=_FIND_AND_COUNT, day=day)
    except InternalError as error:
        if not isinstance(error.__cause__, ReadOnlySqlTransaction):
            raise
    return codes.find(typed, now=now)
