"""A dump comes back as docs/production.md says: all of it, or the rows alone."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import psycopg
import pytest
from django.db import connection

from accounts.models import AuditEntry, LedgerEntry, User
from accounts.tests.factories import Person
from accounts.tests.test_adjustments import approve, ask, reverse
from gatewayz.dev.postgres_binaries import ServerAccount, find_binaries
from payments.reports.invariants import breaches
from payments.tests.real_server import database_url
from payments.tests.stripe_events import deliver, refund, settle

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def run(program: str, *arguments: str | Path) -> None:
    binaries = find_binaries(ServerAccount.choose())
    done = subprocess.run(
        [binaries / program, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def dump(bob: Person, tmp_path: Path) -> Path:
    """Return the dump of a database in which every trigger of the ledger has had to do."""
    purchase = settle(bob.user)
    deliver(refund(purchase, 200, "succeeded", "1"))
    approve(ask(bob, "250.00"))
    reverse(ask(bob, "5.00"))
    file = tmp_path / "books.dump"
    run("pg_dump", "--format=custom", f"--file={file}", database_url(as_owner=True))
    return file


@contextmanager
def empty_database() -> Iterator[str]:
    """Create a database beside the test's, and connect Django to it."""
    name = f"{connection.settings_dict['NAME']}_restored"
    with psycopg.connect(database_url(as_owner=True), autocommit=True) as here:
        here.execute(f"CREATE DATABASE {name}")
        connection.close()
        try:
            with patch.dict(connection.settings_dict, NAME=name):
                yield database_url(as_owner=True)
                connection.close()
        finally:
            here.execute(f"DROP DATABASE {name} WITH (FORCE)")


def counts() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (User, LedgerEntry, AuditEntry))


def test_a_dump_comes_back_as_a_whole_and_as_rows_alone(dump: Path) -> None:
    before = counts()
    with empty_database() as there:
        run("pg_restore", "--exit-on-error", f"--dbname={there}", dump)

        assert (counts(), breaches()) == (before, [])
    with empty_database() as there:
        run("pg_restore", "--exit-on-error", "--schema-only", f"--dbname={there}", dump)
        rows = ("--data-only", "--disable-triggers", "--single-transaction")
        run("pg_restore", "--exit-on-error", *rows, f"--dbname={there}", dump)

        assert (counts(), breaches()) == (before, [])
