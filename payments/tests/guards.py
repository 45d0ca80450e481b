"""Takes guards of money away, so that tests see what goes wrong without them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet

from accounts import ledger, prepared
from accounts.ledger import Posting
from accounts.models import User
from accounts.tests.roles import as_owner
from payments import purchases
from payments.tests.at_once import PATIENCE_SECONDS, execute, wait_until_blocked


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


def change_sql(monkeypatch: pytest.MonkeyPatch, *changes: tuple[str, str]) -> None:
    """Change the text of prepared statements: each `(text, instead)` wherever the text occurs."""
    fetch = prepared.fetch

    def changed(sql: str, params: Any) -> list[prepared.Row]:
        for text, instead in changes:
            sql = sql.replace(text, instead)
        return fetch(sql, params)

    monkeypatch.setattr(prepared, "fetch", changed)


def _unlock(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    assert text in purchases._READ
    change_sql(monkeypatch, (text, text.replace("FOR NO KEY UPDATE", "")))


def unlock_payment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch the lock on the payment off."""
    _unlock(monkeypatch, "FOR NO KEY UPDATE\n), person")


def unlock_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch the locks on accounts off, until their entries are posted."""

    def without_lock(accounts: QuerySet[User]) -> dict[int, User]:
        return {user.pk: user for user in accounts.order_by("id")}

    monkeypatch.setattr(ledger, "lock_accounts", without_lock)
    _unlock(monkeypatch, "ORDER BY id\n    FOR NO KEY UPDATE")


def give_no_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch the turns of a payment intent off: settlements of one do not wait for each other."""
    turn = "pg_advisory_xact_lock(hashtextextended(%(payment_intent_id)s::text, 0))"
    assert turn in purchases._READ
    change_sql(monkeypatch, (turn, "NULL"))


def forget_causes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch the ledger's idempotency keys off: every posting has a key of its own."""
    params_of, number = ledger.posting_params, count()

    def keyless(postings: Sequence[Posting], **posted: Any) -> dict[str, Any]:
        renamed = [
            replace(posting, idempotency_key=f"{posting.idempotency_key}:{next(number)}")
            for posting in postings
        ]
        return params_of(renamed, **posted)

    monkeypatch.setattr(ledger, "posting_params", keyless)


def wrong(*statements: tuple[str, *tuple[str, ...]]) -> None:
    """Run the statements with the triggers and the constraints that they break out of the way."""
    with as_owner(), connection.cursor() as cursor:
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
    with as_owner():
        execute(drop)
    try:
        yield
    finally:
        with as_owner():
            execute(f"TRUNCATE {table} CASCADE")
            execute(bring_back)
