"""Empties the tables after a test that commits, in a small part of the time of Django's flush."""

import pytest
from django.db import connection
from django.test import TransactionTestCase

from gatewayz.operators.staff_groups import ensure_groups

# Only the tables that have rows, youngest first, because a table refers to older ones. Triggers of
# ours would refuse; they are switched off meanwhile, which PostgreSQL allows to a table's owner.
# What is left out is made by `migrate`, and no test changes it.
DELETE_ALL_ROWS = """
DO $$
DECLARE
    one regclass;
    has_rows boolean;
    filled regclass[] := '{}';
BEGIN
    FOR one IN
        SELECT oid::regclass FROM pg_class
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
          AND relname NOT IN ('django_migrations', 'django_content_type', 'auth_permission')
        ORDER BY oid DESC
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s)', one) INTO has_rows;
        CONTINUE WHEN NOT has_rows;
        filled := filled || one;
        EXECUTE format('ALTER TABLE %s DISABLE TRIGGER USER', one);
        EXECUTE format('DELETE FROM %s', one);
    END LOOP;
    SET CONSTRAINTS ALL IMMEDIATE;
    FOREACH one IN ARRAY filled LOOP
        EXECUTE format('ALTER TABLE %s ENABLE TRIGGER USER', one);
    END LOOP;
END $$
"""

_flush = vars(TransactionTestCase)["_fixture_teardown"]


def install() -> None:
    """Let Django's test cases, which pytest-django builds on, empty the tables in this way."""
    pytest.MonkeyPatch().setattr(TransactionTestCase, "_fixture_teardown", _empty_tables)


def _empty_tables(test_case: TransactionTestCase) -> None:
    if test_case.available_apps is not None:
        _flush(test_case)
        return
    with connection.cursor() as cursor:
        cursor.execute(DELETE_ALL_ROWS)
    ensure_groups(using=connection.alias)
