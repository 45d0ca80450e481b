"""Counts how often invitations are viewed: the first step of the funnel."""

from datetime import UTC, datetime

from accounts import prepared
from accounts.models import User

# One statement that locks no user's row and does not wait for the disk: losing the last views in a
# power failure is acceptable. Outside of a transaction it commits by itself.
_COUNT_VIEW = """
INSERT INTO invite_views AS existing (day, user_id, views)
SELECT %(day)s::date, %(user_id)s::bigint, 1 FROM set_config('synchronous_commit', 'off', true)
ON CONFLICT (day, user_id) DO UPDATE SET views = existing.views + 1
RETURNING views
"""


def count_view(*, owner: User, now: datetime) -> None:
    """Count one view of the invitation of `owner`. Call it outside of transactions."""
    prepared.fetch(_COUNT_VIEW, {"day": now.astimezone(UTC).date(), "user_id": owner.pk})
