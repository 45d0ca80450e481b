"""Tells a database that cannot serve now from a statement that is wrong, by the SQLSTATE."""

import time
from dataclasses import dataclass
from functools import cache

import structlog
from django.db import Error, InterfaceError, OperationalError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

log = structlog.get_logger(__name__)

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_CLASSES = {
    "08",  # connection exception
    "28",  # invalid authorization
    "3D",  # no such database
    "40",  # transaction rollback: deadlock
    "53",  # insufficient resources: disk full, too many connections
    "55",  # object not in the state that it has to have: lock time-out
    "57",  # operator intervention: shutdown, statement time-out
    "58",  # system error
    "F0",  # configuration file
}
_READ_ONLY = "25006"
_IDLE_TOO_LONG = "25P03"
_DISK_FULL = "53100"
# A table, column, function or schema is missing.
_MISSING = {"42P01", "42703", "42883", "3F000"}


@dataclass
class FullDisk:
    """Until when this process calls itself not ready: no question that writes little can tell."""

    until: float = 0.0


FULL_SECONDS = 30
full_disk = FullDisk()


def is_unavailable(error: Error) -> bool:
    """Return whether the database is away, blocked, full, read-only, or not migrated yet."""
    state = getattr(error.__cause__, "sqlstate", None)
    if state is None:
        # The connection is lost, or never came about.
        unavailable = isinstance(error, OperationalError | InterfaceError)
    else:
        unavailable = (
            state[:2] in _CLASSES
            or state in (_READ_ONLY, _IDLE_TOO_LONG)
            or (state in _MISSING and migrations_pending())
        )
    if state == _DISK_FULL:
        full_disk.until = time.monotonic() + FULL_SECONDS
    if unavailable:
        log.error("database_unavailable", error=type(error.__cause__).__name__, sqlstate=state)
    return unavailable


def was_full() -> bool:
    """Return whether a write of this process failed lately because the disk is full."""
    return time.monotonic() < full_disk.until


def is_read_only() -> bool:
    """Return whether the database takes no writes, as a replica does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('transaction_read_only')::boolean")
        [read_only] = cursor.fetchone()
    return bool(read_only)


def migrations_pending() -> bool:
    """Return whether the database lacks a migration of this version."""
    return not _last_migrations() <= MigrationRecorder(connection).applied_migrations().keys()


@cache
def _last_migrations() -> set[tuple[str, str]]:
    return set(MigrationLoader(None).graph.leaf_nodes())
