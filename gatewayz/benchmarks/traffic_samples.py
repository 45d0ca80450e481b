"""What the program holds while the mixed traffic runs, and whether it grows."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from django.db import connection

from gatewayz.benchmarks import processes

_MEGABYTE = 1024 * 1024

_COUNTS = """
SELECT (SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
          AND backend_type = 'client backend'),
       (SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')),
       (SELECT count(*) FROM stripe_events WHERE processed_at IS NULL),
       (SELECT count(*) FROM payments WHERE status = 'paid' AND card_checked_at IS NULL)
"""

# Growth is a mean of the last third above that of the first by more than a share and an amount:
# pages of memory come and go, and what a job works off once a minute rises and falls.
_ALLOWED = {
    "server_mb": (0.03, 5),
    "worker_mb": (0.03, 5),
    "connections": (0, 1),
    "jobs": (0, 2),
    "unprocessed_events": (0, 2),
    "unchecked_cards": (0.2, 100),
}
NAMES = {
    "server_mb": "memory of the server, MB",
    "worker_mb": "memory of the worker, MB",
    "connections": "connections to PostgreSQL",
    "jobs": "jobs that wait or run",
    "unprocessed_events": "events not yet processed",
    "unchecked_cards": "purchases whose card is not yet checked",
}


@dataclass(frozen=True)
class Sample:
    """One look, so many seconds after the first."""

    at: float
    server_mb: float
    worker_mb: float
    connections: int
    jobs: int
    unprocessed_events: int
    unchecked_cards: int


def take(*, at: float, server: int, worker: int) -> Sample:
    """Look at the two processes with their children, and at the database."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS)
        counts = cursor.fetchone()
    server_mb, worker_mb = (processes.memory(pid) / _MEGABYTE for pid in (server, worker))
    return Sample(at, server_mb, worker_mb, *counts)


@dataclass(frozen=True)
class Course:
    """How one figure went: its means in the first and the last third, and its most."""

    name: str
    first: float
    last: float
    most: float
    per_minute: float  # slope of the straight line through all samples
    has_grown: bool


def courses(samples: Sequence[Sample]) -> list[Course]:
    third = len(samples) // 3
    times = [sample.at for sample in samples]
    found = []
    for field, (share, amount) in _ALLOWED.items():
        values = [asdict(sample)[field] for sample in samples]
        first, last = statistics.fmean(values[:third]), statistics.fmean(values[-third:])
        slope = statistics.linear_regression(times, values).slope * 60
        has_grown = last > first * (1 + share) + amount
        found.append(Course(NAMES[field], first, last, max(values), slope, has_grown))
    return found
