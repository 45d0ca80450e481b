"""A connection that PostgreSQL would let wait for ever is refused."""

from unittest.mock import patch

import pytest
from django.db import connection, connections
from django.test import Client

from gatewayz.postgresql.base import TIMEOUTS, TimeoutsMissingError
from gatewayz.postgresql.connection_settings import as_options

WITHOUT = {
    "none": ("", "has no lock_timeout, statement_timeout, idle_in_transaction_session_timeout"),
    "one": (
        "-c lock_timeout=3s -c statement_timeout=0 -c idle_in_transaction_session_timeout=9s",
        "has no statement_timeout.",
    ),
}


@pytest.mark.parametrize(("options", "missing"), WITHOUT.values(), ids=WITHOUT)
def test_a_connection_without_time_outs_is_refused(db: None, options: str, missing: str) -> None:
    with patch.dict(connection.settings_dict["OPTIONS"], options=options):
        other = connections.create_connection("default")

        for _ in range(2):
            with pytest.raises(TimeoutsMissingError, match=missing):
                other.ensure_connection()

    assert other.connection is None


@pytest.mark.django_db(transaction=True)
def test_the_api_answers_503_then_and_the_log_says_why(caplog: pytest.LogCaptureFixture) -> None:
    connection.close()

    with patch.dict(connection.settings_dict["OPTIONS"], options=""):
        ready = Client().get("/readyz")

    assert (ready.status_code, ready.json()["code"]) == (503, "database_unavailable")
    assert "manage.py database_roles" in caplog.text


def test_the_role_of_the_program_has_them_whatever_its_connection_asks_for(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT unnest(setconfig) FROM pg_db_role_setting"
            " JOIN pg_roles ON pg_roles.oid = setrole JOIN pg_database d ON d.oid = setdatabase"
            " WHERE rolname = current_user AND datname = current_database()"
        )
        configured = dict(row[0].split("=") for row in cursor.fetchall())

    assert {name: configured[name] for name in TIMEOUTS} == {
        "lock_timeout": "3s",
        "statement_timeout": "15s",
        "idle_in_transaction_session_timeout": "30s",
    }


@pytest.mark.parametrize(("more", "options"), [("", "-c jit=off"), ("-c a=1", "-c jit=off -c a=1")])
def test_options_end_without_a_blank_which_pgbouncer_refuses(more: str, options: str) -> None:
    assert as_options({"jit": "off"}, more) == options
