"""Runs calls simultaneously, in threads with connections of their own, and makes them conflict."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import TypeVar

from django.db import OperationalError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from accounts.tests.roles import as_owner

T = TypeVar("T")
PATIENCE_SECONDS = 10
LOCK_USER = "SELECT FROM users WHERE id = %s FOR UPDATE"


def at_once(*calls: Callable[[], T]) -> list[T]:
    """Run every call in a thread with a connection of its own, all from one start.

    Return what they returned, in their order; an exception of a thread is raised here, once all
    of them have ended.
    """
    start = Barrier(len(calls))

    def run(call: Callable[[], T]) -> T:
        try:
            _connect(start)
            start.wait(PATIENCE_SECONDS)
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        futures = [pool.submit(run, call) for call in calls]
    return [future.result() for future in futures]


def _connect(start: Barrier) -> None:
    """Connect before the start, so that all calls start together."""
    try:
        connection.ensure_connection()
    except OperationalError:
        start.abort()
        raise


@contextmanager
def in_background(call: Callable[[], T]) -> Iterator[Future[T]]:
    """Run the call in a thread during the block, and wait for its end."""

    def run() -> T:
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(run)


@contextmanager
def another_transaction(sql: str, *params: int | str) -> Iterator[BaseDatabaseWrapper]:
    """Run `sql`, which takes a lock, in another transaction that ends with the block."""
    other = connections.create_connection("default")
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute(sql, params)
        yield other
    finally:
        other.close()


def wait_until(is_so: Callable[[], bool], *, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until the condition is true; fail after a time-out."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"not so after {seconds} s: {is_so.__name__}"
        time.sleep(0.005)


def wait_until_blocked() -> None:
    """Return when another session of this database waits for a lock."""
    wait_until(_is_somebody_blocked)


def _is_somebody_blocked() -> bool:
    with connection.cursor() as cursor:
        # Inside a transaction the first look would be repeated for ever.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE datname = current_database() AND NOT granted)"
        )
        return bool(cursor.fetchone()[0])


def execute(sql: str, *params: int | str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


@contextmanager
def refusing(
    table: str, *, sqlstate: str, times: int = 1_000_000, changes: str = "INSERT OR UPDATE"
) -> Iterator[None]:
    """Make the database refuse the next `times` changes of rows of `table` with this error.

    They are counted by a sequence: what a transaction takes from it survives its rollback.
    """
    with as_owner():
        _create_refusal(table, sqlstate, times, changes)
    try:
        yield
    finally:
        with as_owner():
            execute(f"DROP TRIGGER test_refuses ON {table}")
            execute("DROP FUNCTION test_refuse")
            execute("DROP SEQUENCE test_refusals")


def _create_refusal(table: str, sqlstate: str, times: int, changes: str) -> None:
    execute("CREATE SEQUENCE test_refusals")
    execute(f"""
        CREATE FUNCTION test_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF nextval('test_refusals') <= {times} THEN
                RAISE EXCEPTION 'refused by the test' USING ERRCODE = '{sqlstate}';
            END IF;
            RETURN NEW;
        END $$""")
    execute(f"""
        CREATE TRIGGER test_refuses BEFORE {changes} ON {table}
            FOR EACH ROW EXECUTE FUNCTION test_refuse()""")
