"""Chooses the database that a report reads: the streaming replica, or the primary in its place.

A report is a function that only reads, and that may show what was true some seconds ago. It reads
one of the two databases as a whole. Whatever decides, writes or shows people what they have just
done reads the primary.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from django.conf import settings
from django.db import (
    DEFAULT_DB_ALIAS,
    Error,
    InterfaceError,
    OperationalError,
    ProgrammingError,
    connections,
)
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.errors import QueryCanceled

log = structlog.get_logger(__name__)

PRIMARY, REPLICA = DEFAULT_DB_ALIAS, "replica"
# A replica that is down is not tried again for so long by this process.
RETRY_SECONDS = 30
# ProgrammingError: a migration that the replica does not have yet.
_REFUSALS = (OperationalError, InterfaceError, ProgrammingError)

Found = TypeVar("Found")

_reading: ContextVar[str] = ContextVar("reading", default=PRIMARY)
_fixed: ContextVar[str | None] = ContextVar("fixed", default=None)


@dataclass(frozen=True)
class State:
    """How far the replica is behind the primary, and why reports avoid it, if they do."""

    lag_seconds: float | None  # None: unknown
    problem: str = ""


@dataclass
class _Memory:
    """What this process knows of the replica."""

    down_until: float = 0.0
    problem: str = ""


_memory = _Memory()


class Router:
    """Django's router: a report reads models from the database that its SQL reads."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return _reading.get()

    def db_for_write(self, model: Any, **hints: Any) -> str:
        """Return the primary, also for an object that was read from the replica."""
        return PRIMARY

    def allow_relation(self, *objects: Any, **hints: Any) -> bool:
        return True


def is_configured() -> bool:
    return REPLICA in connections


def connection() -> BaseDatabaseWrapper:
    """Return the connection of the running report; if none runs, the primary's."""
    return connections[_reading.get()]


def threads(count: int) -> ThreadPoolExecutor:
    """Return threads that read the database that the running report reads."""
    return ThreadPoolExecutor(count, initializer=_reading.set, initargs=(_reading.get(),))


def read(report: Callable[[], Found]) -> Found:
    """Return what the report finds, on the primary if the replica fails in the middle."""
    if choose() == PRIMARY:
        return report()
    before = _reading.set(REPLICA)
    try:
        return report()
    except _REFUSALS as error:
        # The primary would take as long.
        if isinstance(error.__cause__, QueryCanceled):
            raise
        _avoid(error)
    finally:
        _reading.reset(before)
    return report()


def choose() -> str:
    """Return the alias of the database that reports should read now."""
    if fixed := _fixed.get():
        return fixed
    # The replica does not have what an open transaction has written.
    if not is_configured() or connections[PRIMARY].in_atomic_block:
        return PRIMARY
    return PRIMARY if state().problem else REPLICA


@contextmanager
def fixed(database: str) -> Iterator[None]:
    """Let every report of the block read this database."""
    before = _fixed.set(database)
    try:
        yield
    finally:
        _fixed.reset(before)


def state() -> State:
    """Measure the lag of the replica, and find out whether reports should avoid it."""
    if time.monotonic() < _memory.down_until:
        return State(None, "it is down")
    replica = connections[REPLICA]
    # A connection from before may be one of a server that has stopped since.
    replica.close_if_unusable_or_obsolete()
    try:
        [(identity, replayed, committed_at)] = _rows(REPLICA, _REPLAYED, {})
    except _REFUSALS as error:
        return _avoid(error)
    # Race: the primary is asked last, so it has all that a replica of it has.
    place = {"identity": identity, "replayed": replayed, "committed_at": committed_at}
    [(is_follower, lag)] = _rows(PRIMARY, _BEHIND, place)
    if not is_follower:
        return _noted(State(None, "it is no replica of the primary"))
    if lag is None or lag > settings.DATABASE_REPLICA_MAX_LAG_SECONDS:
        return _noted(State(lag, "it lags"))
    return _noted(State(lag))


# A database that was restored to a moment has the same identifier, but less than a replica that
# followed it before.
_REPLAYED = """
SELECT system_identifier || ' ' || current_database(),
       CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()::text END,
       pg_last_xact_replay_timestamp()
FROM pg_control_system()
"""
# The lag is the age of the last commit that was replayed, by the clock of the primary, which wrote
# the time of that commit too.
_BEHIND = """
SELECT COALESCE(%(identity)s = system_identifier || ' ' || current_database()
                AND %(replayed)s::pg_lsn <= flushed, FALSE),
       CASE WHEN %(replayed)s::pg_lsn = flushed THEN 0.0
            ELSE EXTRACT(EPOCH FROM clock_timestamp() - %(committed_at)s::timestamptz) END::float
FROM pg_control_system(),
     (SELECT CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_flush_lsn() END) now (flushed)
"""


def _rows(database: str, sql: str, params: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connections[database].cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())


def _avoid(error: Error) -> State:
    """Leave the replica alone for a while."""
    connections[REPLICA].close()
    _memory.down_until = time.monotonic() + RETRY_SECONDS
    return _noted(State(None, "it is down"), error=type(error.__cause__ or error).__name__)


def _noted(state: State, **details: str) -> State:
    """Log that reports begin to avoid the replica, and that they read it again."""
    if state.problem != _memory.problem:
        _memory.problem = state.problem
        if state.problem:
            reason, lag = state.problem, state.lag_seconds
            log.warning("replica_avoided", reason=reason, lag_seconds=lag, **details)
        else:
            log.info("replica_read_again")
    return state
