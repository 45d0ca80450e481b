"""Empties the tables after a test that commits, in a small part of the time of Django's flush."""

import importlib

import pytest
from django.apps import apps
from django.db import connection
from django.test import TransactionTestCase

from accounts.tests.roles import as_owner
from gatewayz.operators.staff_groups import ensure_groups

# Only the tables that have rows. In the role of a replica no trigger and no foreign key objects.
# The tables that are left out are filled by `migrate`, and no test changes them.
DELETE_ALL_ROWS = """
DO $$
DECLARE
    one regclass;
    has_rows boolean;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR one IN
        SELECT oid FROM pg_class
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
          AND relname NOT IN ('django_migrations', 'django_content_type', 'auth_permission',
                              'approval_limits')
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s)', one) INTO has_rows;
        IF has_rows THEN
            EXECUTE format('DELETE FROM %s', one);
        END IF;
    END LOOP;
END $$
"""

first_terms = importlib.import_module("referrals.migrations.0002_guards_and_first_terms")
_flush = vars(TransactionTestCase)["_fixture_teardown"]


def install() -> None:
    """Let Django's test cases, which pytest-django builds on, empty the tables in this way."""
    pytest.MonkeyPatch().setattr(TransactionTestCase, "_fixture_teardown", _empty_tables)


def _empty_tables(test_case: TransactionTestCase) -> None:
    if test_case.available_apps is not None:
        with as_owner():
            _flush(test_case)
        return
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(DELETE_ALL_ROWS)
    ensure_groups(using=connection.alias)
    first_terms.begin(apps, connection.schema_editor())
