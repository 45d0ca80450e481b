"""Lists are served by their indexes: what a plan reads does not grow with the table."""

from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import RequestFactory

from accounts.models import LedgerEntry, User
from accounts.tests.roles import as_owner

# Autovacuum may have counted the few rows of an earlier test, and few rows any index gives.
FORGET_ROWS = """
WITH relations (relation) AS (
    SELECT %s::regclass::oid
    UNION SELECT indexrelid FROM pg_index WHERE indrelid = %s::regclass
), forgotten AS (DELETE FROM pg_statistic USING relations WHERE starelid = relation)
UPDATE pg_class SET relpages = 0, reltuples = -1 FROM relations WHERE oid = relation
"""


def plan_of(model: type[LedgerEntry] | type[User], query: str) -> str:
    """Return the plan of a page of the list, as for a large table."""
    request = RequestFactory().get(query)
    request.user = User(is_superuser=True, is_staff=True)
    changes = admin.site._registry[model].get_changelist_instance(request)
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(FORGET_ROWS, [model._meta.db_table] * 2)
        # A small table is read whole.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
    return str(changes.queryset[:51].explain())


@pytest.mark.parametrize(
    ("model", "query", "index"),
    [
        (LedgerEntry, "kind=bonus", "ledger_bonuses"),
        (LedgerEntry, "kind=referrer_bonus", "ledger_bonuses"),
        (LedgerEntry, "kind=refund", "ledger_rare_kinds"),
        (LedgerEntry, "kind=adjustment", "ledger_rare_kinds"),
        (User, "is_active__exact=0", "users_deactivated"),
        (User, "is_staff__exact=1", "users_staff"),
    ],
)
def test_what_a_filter_asks_has_an_index(db: None, model: Any, query: str, index: str) -> None:
    assert index in plan_of(model, f"/?{query}")


@pytest.mark.parametrize("last", ["2026-05-02", "2026-08-01"])
def test_people_of_a_period_are_read_by_their_age(db: None, last: str) -> None:
    plan = plan_of(User, f"/?created_at_from=2026-05-01&created_at_to={last}")

    assert "Index Scan Backward using users_by_age" in plan
