"""What waits for a person: a few counts, each of a small index."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.db import connection

from payments.report_models import LedgerCheck
from payments.reports import ledger_checks
from referrals import budget
from referrals.models import Program

OVERDUE_AFTER = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """How many of each wait."""

    failed_events: int
    quarantined_events: int
    overdue_events: int
    held_bonuses: int
    waiting_adjustments: int
    failed_jobs: int


@dataclass(frozen=True, kw_only=True)
class Attention(Waiting):
    """What waits beside, and how the last check of the ledger ended."""

    ending_budgets: int
    ledger_check: LedgerCheck | None


_WAITING = """
SELECT
    (SELECT COUNT(*) FROM stripe_events WHERE outcome = 'failed') AS failed_events,
    (SELECT COUNT(*) FROM stripe_events WHERE outcome = 'quarantined') AS quarantined_events,
    (SELECT COUNT(*) FROM stripe_events
     WHERE processed_at IS NULL AND outcome = 'received' AND received_at < %(overdue)s
    ) AS overdue_events,
    (SELECT COUNT(*) FROM referrals WHERE status = 'held') AS held_bonuses,
    (SELECT COUNT(*) FROM adjustments WHERE status = 'waiting') AS waiting_adjustments,
    (SELECT COUNT(*) FROM procrastinate_jobs WHERE status = 'failed') AS failed_jobs
"""


def waiting(*, now: datetime) -> Waiting:
    """Count what waits for a person now, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, {"overdue": now - OVERDUE_AFTER})
        names = [column.name for column in cursor.description]
        return Waiting(**dict(zip(names, cursor.fetchone(), strict=True)))


def attention(*, now: datetime) -> Attention:
    """Return what waits for a person now, budgets and the books included."""
    expected = budget.outlook(Program.objects.at(now).get(), now=now)
    return Attention(
        **asdict(waiting(now=now)),
        ending_budgets=int(expected is not None and expected.needs_someone),
        ledger_check=ledger_checks.latest(),
    )
