"""Switches the guards of the money off, one by one, so that tests see what they guard."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from textwrap import dedent
from threading import Barrier
from types import CodeType
from typing import Any

import pytest
from django.db import connection
from django.db.models import Expression, Model, QuerySet

from accounts import advisory_locks, ledger
from accounts.ledger import Posting
from accounts.models import LedgerEntry, User
from payments.tests.at_once import PATIENCE_SECONDS, execute, wait_until_blocked

# What pytest says when a test expects a refusal, and there is none.
NOT_REFUSED = "DID NOT RAISE"

Switch = Callable[[pytest.MonkeyPatch], object]


@dataclass(frozen=True)
class Guard:
    """What guards money, how it is switched off, and the test that goes red without it.

    `sign` is a piece of what that test then says, so that it is red for this reason.
    """

    promise: str
    off: Switch
    story: Callable[..., None]
    sign: str
    given: Mapping[str, Any] = field(default_factory=dict)


def line(function: Callable[..., Any], guard: str, instead: str = "pass") -> Switch:
    """Write `instead` where the function has `guard`, wherever the function is known."""
    plain = inspect.unwrap(function)

    def off(monkeypatch: pytest.MonkeyPatch) -> None:
        source = dedent(inspect.getsource(plain))
        assert source.count(guard) == 1, f"{plain.__name__} has no such line: {guard}"
        module = compile(source.replace(guard, instead), plain.__code__.co_filename, "exec")
        [code] = [
            code
            for code in module.co_consts
            if isinstance(code, CodeType) and code.co_name == plain.__name__
        ]
        monkeypatch.setattr(plain, "__code__", code)

    return off


def value(owner: object, name: str, instead: object) -> Switch:
    return lambda monkeypatch: monkeypatch.setattr(owner, name, instead)


def words(owner: object, name: str, guard: str, instead: str) -> Switch:
    """Write `instead` where a statement in SQL has `guard`."""
    statement: str = getattr(owner, name)
    assert statement.count(guard) == 1
    return value(owner, name, statement.replace(guard, instead))


def alteration(sql: str) -> Switch:
    """Alter the database, until the test's transaction is rolled back."""

    def off(monkeypatch: pytest.MonkeyPatch) -> None:
        execute("SET CONSTRAINTS ALL IMMEDIATE")
        execute(sql)
        execute("SET CONSTRAINTS ALL DEFERRED")

    return off


def constraint(table: str, name: str) -> Switch:
    return alteration(f"ALTER TABLE {table} DROP CONSTRAINT {name}")


def trigger(table: str, name: str) -> Switch:
    return alteration(f"ALTER TABLE {table} DISABLE TRIGGER {name}")


def function_in_database(name: str, guard: str, instead: str) -> Switch:
    """Write `instead` where a trigger's function has `guard`."""

    def off(monkeypatch: pytest.MonkeyPatch) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_get_functiondef(%s::regproc)", [name])
            [definition] = cursor.fetchone()
            assert definition.count(guard) == 1
            cursor.execute(definition.replace(guard, instead))

    return off


def both(*switches: Switch) -> Switch:
    """Switch a guard off together with the one that stands behind it."""

    def off(monkeypatch: pytest.MonkeyPatch) -> None:
        for switch in switches:
            switch(monkeypatch)

    return off


def meeting(
    function: Callable[..., Any], *, after: bool = False, barrier: Barrier | None = None
) -> Callable[..., Any]:
    """Let two calls of `function` meet before it begins, or after it: there is the race.

    With the guard in place the second call would never come, and the first would give up. Calls
    of different functions meet at a `barrier` that they share.
    """
    barrier = barrier or Barrier(2)

    def met(*args: Any, **kwargs: Any) -> Any:
        if not after:
            barrier.wait(PATIENCE_SECONDS)
        result = function(*args, **kwargs)
        if after:
            barrier.wait(PATIENCE_SECONDS)
        return result

    return met


def overtaken(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let the first call of `function` end only when another session waits for a lock."""
    is_first = iter([True])

    def waited_for(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        if next(is_first, False):
            wait_until_blocked()
        return result

    return waited_for


def unlock_rows(monkeypatch: pytest.MonkeyPatch, model: type[Model]) -> None:
    """Switch `select_for_update` of the model off."""

    def without_lock(**options: Any) -> QuerySet[Any]:
        return model._default_manager.all()

    monkeypatch.setattr(model._default_manager, "select_for_update", without_lock)


def unlock_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch the locks on buyer and referrer off."""

    def without_lock(accounts: QuerySet[User]) -> dict[int, User]:
        return {user.pk: user for user in accounts.order_by("id")}

    monkeypatch.setattr(ledger, "lock_accounts", without_lock)


def give_no_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch the turns of a payment intent off: settlements of one do not wait for each other."""

    def no_turn(payment_intent_id: Expression) -> Expression:
        return payment_intent_id

    monkeypatch.setattr(advisory_locks, "AdvisoryLock", no_turn)


def forget_causes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch the ledger's idempotency keys off: every posting has a key of its own."""
    post_all, number = ledger.post_all, count()

    def keyless(*postings: Posting, **posted: Any) -> list[LedgerEntry]:
        renamed = (
            replace(posting, idempotency_key=f"{posting.idempotency_key}:{next(number)}")
            for posting in postings
        )
        return post_all(*renamed, **posted)

    monkeypatch.setattr(ledger, "post_all", keyless)


def wrong(*statements: tuple[str, *tuple[str, ...]]) -> None:
    """Run the statements with the triggers and the constraints that they break out of the way."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        for statement, *params in statements:
            cursor.execute(statement, params)
        cursor.execute("SET LOCAL session_replication_role = origin")


@contextmanager
def without_constraint(name: str, *, table: str = "referrals") -> Iterator[None]:
    """Drop a constraint or a unique index for the block; bring it back to an empty table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 'ALTER TABLE ' || %(table)s || ' DROP CONSTRAINT ' || conname, 'ALTER TABLE '"
            " || %(table)s || ' ADD CONSTRAINT ' || conname || ' ' || pg_get_constraintdef(oid)"
            " FROM pg_constraint WHERE conname = %(name)s"
            " UNION ALL SELECT 'DROP INDEX ' || relname, pg_get_indexdef(oid)"
            " FROM pg_class WHERE relname = %(name)s AND relkind = 'i' AND NOT EXISTS"
            " (SELECT FROM pg_constraint WHERE conname = %(name)s)",
            {"name": name, "table": table},
        )
        [(drop, bring_back)] = cursor.fetchall()
    execute(drop)
    try:
        yield
    finally:
        execute(f"TRUNCATE {table} CASCADE")
        execute(bring_back)


@contextmanager
def without_trigger(table: str, name: str) -> Iterator[None]:
    execute(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
    try:
        yield
    finally:
        execute(f"ALTER TABLE {table} ENABLE TRIGGER {name}")
