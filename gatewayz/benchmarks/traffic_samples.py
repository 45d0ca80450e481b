"""What the program holds while the mixed traffic runs, and whether it grows."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

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
ALLOWED = {
    "memory of the server, MB": (0.03, 5),
    "memory of the worker, MB": (0.03, 5),
    "connections to PostgreSQL": (0, 1),
    "jobs that wait or run": (0, 2),
    "events not yet processed": (0, 2),
    "purchases whose card is not yet checked": (0.2, 100),
}

# One look: a value for each name of ALLOWED.
Sample = dict[str, float]


def take(*, server: int, worker: int) -> Sample:
    """Look at the two processes with their children, and at the database."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS)
        counts = cursor.fetchone()
    memory = (processes.memory(pid) / _MEGABYTE for pid in (server, worker))
    return dict(zip(ALLOWED, (*memory, *counts), strict=True))


@dataclass(frozen=True)
class Course:
    """How one figure went: its means in the first and the last third, and its most."""

    name: str
    first: float
    last: float
    most: float
    has_grown: bool


def courses(samples: Sequence[Sample]) -> list[Course]:
    third = len(samples) // 3
    found = []
    for name, (share, amount) in ALLOWED.items():
        values = [sample[name] for sample in samples]
        first, last = statistics.fmean(values[:third]), statistics.fmean(values[-third:])
        has_grown = last > first * (1 + share) + amount
        found.append(Course(name, first, last, max(values), has_grown))
    return found
