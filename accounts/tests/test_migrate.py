"""Migrations have time for their work, and do not make everybody wait behind them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models.signals import pre_migrate

from accounts.management.commands import migrate
from accounts.tests.factories import Person
from accounts.tests.roles import as_owner
from payments.tests.at_once import another_transaction, execute, in_background, wait_until_blocked

TIMEOUTS = ("statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout")
CHANGE_A_ROW = "UPDATE users SET first_name = 'Al' WHERE username = 'alice'"


def timeouts() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(f'current_setting({name!r})' for name in TIMEOUTS)}")
        return [*cursor.fetchall()[0]]


@contextmanager
def during_migrate(work: Callable[[], Any]) -> Iterator[None]:
    """Let `migrate` begin with this work."""

    def receiver(**_: Any) -> None:
        work()

    pre_migrate.connect(receiver)
    try:
        yield
    finally:
        pre_migrate.disconnect(receiver)


def test_migrations_have_time_outs_of_their_own(owner: None) -> None:
    of_requests, seen = timeouts(), []

    with during_migrate(lambda: seen.append(timeouts())):
        call_command("migrate", verbosity=0)

    assert of_requests == [settings.CONNECTION_SETTINGS[name] for name in TIMEOUTS]
    assert seen[0] == ["0", "0", "2s"]
    assert timeouts() == of_requests


@pytest.mark.django_db(transaction=True)
def test_a_migration_gives_up_when_a_table_is_in_use(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "_OWN", "SET lock_timeout = '50ms'")
    change = during_migrate(lambda: execute("ALTER TABLE users ADD later text"))

    with (
        another_transaction(CHANGE_A_ROW),
        as_owner(),
        change,
        pytest.raises(CommandError, match="run `migrate` again"),
    ):
        call_command("migrate", verbosity=0)

    connection.close()


@pytest.mark.django_db(transaction=True)
def test_an_index_that_is_built_concurrently_waits_for_older_transactions(alice: Person) -> None:
    def build() -> str:
        with as_owner():
            execute("SET lock_timeout = '50ms'")
            with connection.schema_editor(atomic=False) as editor:
                editor.execute("CREATE INDEX CONCURRENTLY built_later ON users (first_name)")
            return timeouts()[-1]

    try:
        with another_transaction(CHANGE_A_ROW) as older, in_background(build) as building:
            wait_until_blocked()
            time.sleep(0.2)
            assert not building.done()
            older.close()
    finally:
        with as_owner():
            execute("DROP INDEX IF EXISTS built_later")

    assert building.result() == "50ms"
