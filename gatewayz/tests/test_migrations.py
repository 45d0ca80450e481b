"""Every migration can be taken back, and applied again."""

import re
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from payments.tests.own_postgres import connected_to, own_postgres

OUR_APPS = ("payments", "referrals", "accounts")
DESCRIPTION = """
SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    AND prokind = 'f' AND prolang <> (SELECT oid FROM pg_language WHERE lanname = 'c')
UNION ALL SELECT concat_ws(' ', table_name, ordinal_position, column_name, data_type,
    character_maximum_length, is_nullable, column_default)
    FROM information_schema.columns WHERE table_schema = 'public'
"""


def describe() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(DESCRIPTION)
        return {line for (line,) in cursor.fetchall()}


@pytest.mark.ci
def test_all_are_taken_back_and_applied_again(django_db_blocker: Any) -> None:
    with (
        django_db_blocker.unblock(),
        own_postgres() as postgres,
        connected_to(postgres, as_owner=True),
    ):
        migrated = describe()
        for app in OUR_APPS:
            call_command("migrate", app, "zero", verbosity=0)
        taken_back = describe()
        call_command("migrate", verbosity=0)
        again = describe()

    assert again == migrated
    assert not any(re.match("users|ledger_entries|payments|referrals", line) for line in taken_back)
