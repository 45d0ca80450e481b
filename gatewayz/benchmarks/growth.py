"""Weighs what the tables and their indexes take per row, and what each operation writes.

`./dev bench --growth`; docs/growth.md computes with it.
"""

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from django.db import connection
from django.test import Client

from accounts.models import User
from gatewayz.benchmarks import loader, scale, scenarios
from gatewayz.benchmarks.endpoints import CALLER, stripe_at_once
from gatewayz.benchmarks.request import Request

PEOPLE, OPERATIONS = 100_000, 4_000
WITH_KEYS = 2 * OPERATIONS  # some people are deactivated
TABLES = ("users", "payments", "ledger_entries", "referrals", "stripe_events")
_SIZES = """
SELECT relname, pg_table_size(oid), pg_indexes_size(oid) FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
"""


@dataclass(frozen=True)
class Written:
    """What the database has grown by, and the WAL, which a replica and an archive get too."""

    rows: float
    indexes: float
    wal: float


def measure() -> None:
    """Load a database, and print bytes a row and bytes an operation."""
    scale.fill(PEOPLE)
    loader.add_keys(CALLER + 1, WITH_KEYS)
    logging.disable(logging.CRITICAL)
    print(f"{PEOPLE:,} people\n{'table':20}{'rows':>12}{'bytes a row':>14}{'its indexes':>14}")
    for table in TABLES:
        rows = _one(f"SELECT count(*) FROM {table}")
        of_table, of_indexes = _sizes()[table]
        print(f"{table:20}{rows:12,}{of_table / rows:14.0f}{of_indexes / rows:14.0f}")
    _without_full_pages()
    print(f"\n{'operation':34}{'rows, bytes':>14}{'indexes':>10}{'WAL':>10}")
    with stripe_at_once():
        for name, make in _OPERATIONS.items():
            written = weigh(make(OPERATIONS))
            print(f"{name:34}{written.rows:14.0f}{written.indexes:10.0f}{written.wal:10.0f}")


def weigh(requests: list[Request]) -> Written:
    """Send the requests, and return what one of them has written."""
    client = Client()
    # What they begin with, like new pages of the indexes, is no operation's own.
    first, rest = requests[: len(requests) // 4], requests[len(requests) // 4 :]
    for request in first:
        request.send(client)
    before, wal = _sizes().values(), _wal()
    for request in rest:
        request.send(client)
    after = _sizes().values()
    rows, indexes = (
        sum(size[kind] for size in after) - sum(size[kind] for size in before) for kind in (0, 1)
    )
    return Written(rows / len(rest), indexes / len(rest), (_wal() - wal) / len(rest))


def _orders(count: int) -> list[Request]:
    """Return an order of each of so many people."""
    people = User.objects.filter(is_active=True, pk__lte=WITH_KEYS).order_by("pk")[:count]
    return [scenarios.checkout(person.pk) for person in people]


def _sign_ups(count: int) -> list[Request]:
    """Return sign-ups by names that have little in common: their index is by parts of them."""
    requests = scenarios.registrations(count, codes=1)
    names = (f"newcomer-{secrets.token_hex(4)}" for _ in requests)
    return [
        replace(each, body=each.body | {"username": name, "email": f"{name}@example.com"})
        for each, name in zip(requests, names, strict=True)
    ]


_OPERATIONS: dict[str, Callable[[int], list[Request]]] = {
    "sign-up with a code": _sign_ups,
    "order": _orders,
    "first purchase, both bonuses": partial(scenarios.settlements, per_code=8),
}


def _without_full_pages() -> None:
    """Let the WAL have the changes alone: how many whole pages it has depends on checkpoints."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER SYSTEM SET full_page_writes = off")
        cursor.execute("SELECT pg_reload_conf()")


def _sizes() -> dict[str, tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(_SIZES)
        return {name: (table, indexes) for name, table, indexes in cursor.fetchall()}


def _wal() -> int:
    return _one("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")


def _one(statement: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.fetchone()[0])
