"""Takes guards of money away, so that tests see what goes wrong without them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.db.models import Expression, Model, QuerySet

from accounts import advisory_locks, ledger
from accounts.ledger import Posting
from accounts.models import LedgerEntry, User
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
