"""Counts how often people looked at an invitation: where the way to a referral begins."""

from datetime import UTC, datetime

from django.db import connection

from accounts.models import User

# One short statement that touches no user's row and does not wait for the disk: to lose the last
# looks with the power is no harm. Outside of a transaction it is one by itself.
_NOTE = """
INSERT INTO invitation_looks AS known (day, user_id, looks)
SELECT %(day)s, %(user_id)s, 1 FROM set_config('synchronous_commit', 'off', true)
ON CONFLICT (day, user_id) DO UPDATE SET looks = known.looks + 1
"""


def note(*, owner: User, now: datetime) -> None:
    """Count one look at the invitation of `owner`. Call it outside of transactions."""
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, {"day": now.astimezone(UTC).date(), "user_id": owner.pk})
