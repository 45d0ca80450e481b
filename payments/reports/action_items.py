"""Counts what waits for an operator; each count reads a small index."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.db import connection

from payments.report_models import LedgerCheck
from payments.reports import ledger_checks
from referrals import budget
from referrals.models import Program

OVERDUE_AFTER = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class WaitingCounts:
    """How many rows of each kind wait for an operator."""

    failed_events: int
    quarantined_events: int
    overdue_events: int
    held_bonuses: int
    waiting_adjustments: int
    waiting_terms: int
    failed_jobs: int
    stalled_jobs: int
    # Not waiting, but nothing else that waits for a job goes on without one.
    live_workers: int


@dataclass(frozen=True, kw_only=True)
class ActionItems(WaitingCounts):
    """The same counts, budgets that end soon, and the result of the last ledger check."""

    ending_budgets: int
    ledger_check: LedgerCheck | None


_COUNTS = """
SELECT
    (SELECT COUNT(*) FROM stripe_events WHERE outcome = 'failed') AS failed_events,
    (SELECT COUNT(*) FROM stripe_events WHERE outcome = 'quarantined') AS quarantined_events,
    (SELECT COUNT(*) FROM stripe_events
     WHERE processed_at IS NULL AND outcome = 'received' AND received_at < %(overdue)s
    ) AS overdue_events,
    (SELECT COUNT(*) FROM referrals WHERE status = 'held') AS held_bonuses,
    (SELECT COUNT(*) FROM adjustments WHERE status = 'waiting') AS waiting_adjustments,
    (SELECT COUNT(*) FROM programs WHERE status = 'waiting') AS waiting_terms,
    (SELECT COUNT(*) FROM procrastinate_jobs WHERE status = 'failed') AS failed_jobs,
    (SELECT COUNT(*) FROM procrastinate_jobs job
     WHERE status = 'doing' AND NOT EXISTS (
         SELECT FROM procrastinate_workers worker
         WHERE worker.id = job.worker_id AND last_heartbeat > NOW() - INTERVAL '30 seconds')
    ) AS stalled_jobs,
    (SELECT COUNT(*) FROM procrastinate_workers
     WHERE last_heartbeat > NOW() - INTERVAL '2 minutes') AS live_workers
"""


def count_waiting(*, now: datetime) -> WaitingCounts:
    """Count what waits for an operator, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, {"overdue": now - OVERDUE_AFTER})
        names = [column.name for column in cursor.description]
        return WaitingCounts(**dict(zip(names, cursor.fetchone(), strict=True)))


def action_items(*, now: datetime) -> ActionItems:
    forecast = budget.forecast(Program.objects.at(now).get(), now=now)
    return ActionItems(
        **asdict(count_waiting(now=now)),
        ending_budgets=int(forecast is not None and forecast.needs_action),
        ledger_check=ledger_checks.latest(),
    )
