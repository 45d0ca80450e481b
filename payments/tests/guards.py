"""Switches the guards of the money off, one by one, so that tests see what they guard."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.db.models import Model, QuerySet

from accounts import ledger
from accounts.models import LedgerEntry, User
from payments.tests.at_once import PATIENCE_SECONDS, execute


def meeting(function: Callable[..., Any], *, after: bool = False) -> Callable[..., Any]:
    """Let two calls of `function` meet before it begins, or after it: there is the race.

    With the guard in place the second call would never come, and the first would give up.
    """
    barrier = Barrier(2)

    def met(*args: Any, **kwargs: Any) -> Any:
        if not after:
            barrier.wait(PATIENCE_SECONDS)
        result = function(*args, **kwargs)
        if after:
            barrier.wait(PATIENCE_SECONDS)
        return result

    return met


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


def forget_causes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch the ledger's idempotency keys off: every posting has a key of its own."""
    post, number = ledger.post, count()

    def keyless(*, idempotency_key: str, **entry: Any) -> LedgerEntry:
        return post(idempotency_key=f"{idempotency_key}:{next(number)}", **entry)

    monkeypatch.setattr(ledger, "post", keyless)


@contextmanager
def without_constraint(name: str) -> Iterator[None]:
    """Drop a constraint or a unique index of `referrals` for the block, and bring it back."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 'ALTER TABLE referrals DROP CONSTRAINT ' || conname, 'ALTER TABLE referrals"
            " ADD CONSTRAINT ' || conname || ' ' || pg_get_constraintdef(oid)"
            " FROM pg_constraint WHERE conname = %(name)s"
            " UNION ALL SELECT 'DROP INDEX ' || relname, pg_get_indexdef(oid)"
            " FROM pg_class WHERE relname = %(name)s AND relkind = 'i' AND NOT EXISTS"
            " (SELECT FROM pg_constraint WHERE conname = %(name)s)",
            {"name": name},
        )
        [(drop, bring_back)] = cursor.fetchall()
    execute(drop)
    try:
        yield
    finally:
        execute("TRUNCATE referrals CASCADE")
        execute(bring_back)


@contextmanager
def without_trigger(table: str, name: str) -> Iterator[None]:
    execute(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
    try:
        yield
    finally:
        execute(f"ALTER TABLE {table} ENABLE TRIGGER {name}")
