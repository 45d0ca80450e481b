"""What waits for a person: a few counts, each of a small index."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from payments import ledger_checks
from payments.report_models import LedgerCheck
from referrals import budget
from referrals.models import Program

_OVERDUE_AFTER = timedelta(minutes=5)


@dataclass(frozen=True)
class Attention:
    """How many of each wait, and how the last check of the ledger ended."""

    failed_events: int
    quarantined_events: int
    overdue_events: int
    held_bonuses: int
    waiting_adjustments: int
    failed_jobs: int
    ending_budgets: int
    ledger_check: LedgerCheck | None


_WAITING = """
SELECT
    (SELECT COUNT(*) FROM stripe_events WHERE outcome = 'failed'),
    (SELECT COUNT(*) FROM stripe_events WHERE outcome = 'quarantined'),
    (SELECT COUNT(*) FROM stripe_events
     WHERE processed_at IS NULL AND outcome = 'received' AND received_at < %(overdue)s),
    (SELECT COUNT(*) FROM referrals WHERE status = 'held'),
    (SELECT COUNT(*) FROM adjustments WHERE status = 'waiting'),
    (SELECT COUNT(*) FROM procrastinate_jobs WHERE status = 'failed')
"""


def attention(*, now: datetime) -> Attention:
    """Return what waits for a person now."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, {"overdue": now - _OVERDUE_AFTER})
        counts = cursor.fetchone()
    expected = budget.outlook(Program.objects.at(now).get(), now=now)
    is_ending = expected is not None and expected.needs_someone
    found = [*counts, int(is_ending), ledger_checks.latest()]
    return Attention(*found)
