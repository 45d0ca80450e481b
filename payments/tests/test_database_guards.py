"""Each guard in the database is taken away in turn, to see what goes wrong with money then.

The guards are constraints, unique indexes and triggers. It takes two at once to miss a lock, so the
controls of locks have threads: `test_negative_controls`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from accounts import ledger_seals
from accounts.constraints import violated
from accounts.tests.factories import StaffFactory, register
from accounts.tests.roles import as_owner
from accounts.tests.test_adjustments import approve, ask, reverse
from payments.reports.invariants import INVARIANTS, breaches
from payments.tests.at_once import execute
from payments.tests.claim_guards import CLAIMS
from payments.tests.database_guards import CONTROLS, Control
from payments.tests.guards_without_money import TABLES_WITHOUT_MONEY, WITHOUT_MONEY
from payments.tests.stripe_events import (
    deliver,
    pending_payment,
    quarantined_event,
    refer,
    refund,
    resolve,
    settle,
)
from referrals.tests.factories import ProgramFactory

pytestmark = [pytest.mark.django_db, pytest.mark.negative_control]

# Not the primary keys, which PostgreSQL drops from no table that another one points at.
CATALOGUE = """
    SELECT conrelid::regclass::text, conname, contype = 'f',
           format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname)
    FROM pg_constraint WHERE contype NOT IN ('p', 'n', 't')
    UNION ALL
    SELECT tgrelid::regclass::text, tgname, false,
           format('ALTER TABLE %s DISABLE TRIGGER %I', tgrelid::regclass, tgname)
    FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL
    SELECT indrelid::regclass::text, relname, false, format('DROP INDEX %I', relname)
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE indisunique AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)"""


class Guard(NamedTuple):
    """A constraint, unique index or trigger, and the statement that takes it away."""

    table: str
    name: str
    is_foreign_key: bool
    off: str


def rows(query: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def our_tables() -> set[str]:
    configs = map(apps.get_app_config, ("accounts", "referrals", "payments"))
    models = [model for app in configs for model in app.get_models(include_auto_created=True)]
    return {model._meta.db_table for model in models}


def guards() -> list[Guard]:
    """Return what our tables have, but for those that hold no money."""
    tables = our_tables() - TABLES_WITHOUT_MONEY.keys()
    return [guard for guard in map(Guard._make, rows(CATALOGUE)) if guard.table in tables]


@contextmanager
def undone() -> Iterator[None]:
    """Roll back what the block does to rows and to guards."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def commit(statements: str) -> None:
    """Run the statements, and what a commit checks."""
    execute(statements)
    execute("SET CONSTRAINTS ALL IMMEDIATE")


def refusal(statements: str) -> str:
    """Return the name of the guard that refuses the statements."""
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        commit(statements)
    return violated(refused.value)


def goes_wrong(wrong: str) -> bool:
    """Return whether the invariant is broken, or the query finds rows."""
    if wrong in INVARIANTS:
        return wrong in {breach.invariant for breach in breaches()}
    return rows(wrong) != []


@pytest.fixture(scope="module")
def books(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Alice referred Bob and another; there are refunds, open purchases, adjustments, old terms.

    The tests share these rows, and what each does is undone. They run as the owner of the tables:
    what they write is refused to the application's role for want of privileges already.
    """
    with django_db_blocker.unblock(), undone(), as_owner():
        alice, charlie, _ = (
            register("alice"),
            register("charlie"),
            StaffFactory.create(username="rita"),
        )
        bob = register("bob", code=alice.code)
        register("eric", code=bob.code)
        settle(register("dora").user, 200)
        StaffFactory.create(username="olaf", created_at=datetime(2020, 1, 1, tzinfo=UTC))
        ProgramFactory.create(starts_at=datetime(2020, 1, 1, tzinfo=UTC), budget=Decimal(20))
        ProgramFactory.create()
        ProgramFactory.create(
            status="waiting", decided_by=None, decided_at=None, decision_note="", is_future=True
        )
        settle(bob.user)
        purchase = settle(bob.user, 2000)
        for name, status in [("1", "succeeded"), ("2", "succeeded"), ("2", "failed")]:
            deliver(refund(purchase, 500, status, name))
        ledger_seals.seal_new_entries(now=timezone.now())
        refer(alice)
        ledger_seals.seal_new_entries(now=timezone.now())
        for _ in range(2):
            pending_payment(charlie.user)
        ask(alice, "10.00")
        approve(ask(alice, "250.00"))
        reverse(ask(alice, "5.00"))
        ask(alice, "300.00")
        nora = StaffFactory.create(username="nora")
        nora.user_permissions.add(Permission.objects.get(codename="replay_event"))
        resolve(quarantined_event(pending_payment(charlie.user)), by=nora)
        execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in ("ledger_entries", "ledger_seals", "audit_entries", "adjustments"):
            # Off for the tests alone, which empty the tables.
            execute(f"ALTER TABLE {table} ENABLE TRIGGER {table}_not_truncated")
        execute("SET CONSTRAINTS ALL DEFERRED")
        yield


@pytest.mark.parametrize("control", [*CONTROLS, *CLAIMS], ids=lambda control: control.guard)
def test_without_its_guard_money_goes_wrong(books: None, control: Control) -> None:
    known = {guard.name: guard for guard in guards()}
    guard = known[control.guard]
    write, wrong = control.write.format(table=guard.table), control.wrong
    if wrong not in INVARIANTS:
        wrong = f"SELECT FROM {guard.table} WHERE {wrong}"
    for name in control.off.split():
        execute(known[name].off)
    assert not goes_wrong(wrong)
    assert refusal(write) == (control.names or guard.name)

    execute(guard.off)
    commit(write)

    assert goes_wrong(wrong)


def test_without_its_foreign_key_a_row_points_at_nothing(books: None) -> None:
    """The triggers, checks and unique keys of its table are out of the way."""
    for key in [guard for guard in guards() if guard.is_foreign_key]:
        [(column,)] = rows(
            "SELECT attname FROM pg_attribute JOIN pg_constraint ON attrelid = conrelid"
            f" AND attnum = conkey[1] WHERE conname = '{key.name}'"
        )
        write = f"UPDATE {key.table} SET {column} = -1"
        with undone():
            for guard in guards():
                if guard.table == key.table and not guard.is_foreign_key:
                    execute(guard.off)
            assert refusal(write) == key.name

            execute(key.off)
            commit(write)


def test_each_guard_of_money_has_a_control(books: None) -> None:
    controlled = {control.guard for control in CONTROLS}

    found = {guard.name for guard in guards() if not guard.is_foreign_key}

    assert found == controlled | WITHOUT_MONEY.keys()
    assert not controlled & WITHOUT_MONEY.keys()
    assert TABLES_WITHOUT_MONEY.keys() <= our_tables()
