"""The program's role reads and writes rows; what keeps the books is out of its reach."""

from decimal import Decimal
from io import StringIO
from typing import Any
from unittest.mock import patch

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, transaction
from psycopg.errors import InsufficientPrivilege

from accounts import database_roles
from accounts.models import ApiKey, ApprovalLimit
from accounts.tests.factories import Person, UserFactory, give
from accounts.tests.roles import APPLICATION, as_owner
from payments.models import StripeEvent
from payments.tests.at_once import execute
from payments.tests.stripe_events import pending_payment, settle

OWN_ID = """
    INSERT INTO ledger_entries (id, user_id, kind, amount, balance_after, idempotency_key,
                                description, reference, created_at)
    SELECT -1, id, 'purchase', 10, 10, 'early', '', '', now() FROM users"""
REFUSED = [
    "UPDATE ledger_entries SET amount = 5",
    "DELETE FROM ledger_entries",
    OWN_ID,
    "UPDATE audit_entries SET reason = 'Another'",
    "DELETE FROM audit_entries",
    "DELETE FROM adjustments",
    "DELETE FROM referrals",
    "DELETE FROM clawbacks",
    "UPDATE approval_limits SET amount = 100000",
    "INSERT INTO approval_limits VALUES (2, 100000)",
    "DELETE FROM approval_limits",
    "DELETE FROM django_migrations",
    *(
        f"TRUNCATE {table} CASCADE"
        for table in ("ledger_entries", "audit_entries", "users", "limit_windows")
    ),
    "ALTER TABLE users DISABLE TRIGGER users_credits_follow_ledger",
    "ALTER TABLE ledger_entries DISABLE TRIGGER ALL",
    "SET session_replication_role = replica",
    "DROP TRIGGER audit_entries_append_only ON audit_entries",
    "CREATE TRIGGER mine BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "ALTER TABLE adjustments DROP CONSTRAINT adjustments_not_of_ones_own",
    "ALTER FUNCTION users_check_credits() RESET search_path",
    "CREATE OR REPLACE FUNCTION users_check_credits() RETURNS trigger LANGUAGE plpgsql AS"
    " 'BEGIN RETURN NULL; END'",
    "CREATE TABLE mine ()",
    "CREATE TEMPORARY TABLE users ()",
    "CREATE SCHEMA mine",
    "CREATE INDEX ON users (email)",
    "SELECT setval('ledger_entries_id_seq', 1)",
]


def test_it_is_refused(alice: Person) -> None:
    give(alice, "5.00")

    for statement in REFUSED:
        with pytest.raises(ProgrammingError) as refused, transaction.atomic():
            execute(statement)

        assert isinstance(refused.value.__cause__, InsufficientPrivilege), statement


def test_what_is_not_money_it_deletes(alice: Person, bob: Person) -> None:
    settle(bob.user)
    nobody, unpaid = UserFactory.create(), pending_payment(alice.user)

    StripeEvent.objects.all().delete()
    ApiKey.objects.filter(user=bob.user).delete()
    unpaid.delete()
    nobody.delete()


def test_the_tests_and_the_program_are_this_role(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == (APPLICATION,)
    assert [*database_roles.problems()] == []


def warnings() -> list[str]:
    """Return what `check --deploy` says of the database."""
    found = run_checks(include_deployment_checks=True)
    return [message.msg for message in found if str(message.id).startswith("accounts.")]


def test_the_deployment_check_is_content_with_it_and_warns_of_the_owner(db: None) -> None:
    assert warnings() == []

    with as_owner():
        [warning] = warnings()

    assert "owns the tables" in warning


def test_the_deployment_check_warns_of_a_role_that_is_not_prepared_yet(db: None) -> None:
    with as_owner():
        execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {APPLICATION}")

    found = warnings()
    with as_owner():
        database_roles.prepare(APPLICATION)

    assert any("may not SELECT on approval_limits" in warning for warning in found)
    assert all("may not" in warning for warning in found)


def test_the_deployment_check_warns_when_a_pooler_has_dropped_the_time_outs(
    transactional_db: None,
) -> None:
    connection.close()

    with patch.dict(connection.settings_dict["OPTIONS"], options=""):
        [warning] = warnings()

    assert "A pooler drops" in warning


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("GRANT DELETE ON ledger_entries", "may DELETE on ledger_entries"),
        ("GRANT TRIGGER, TRUNCATE ON users", "may TRIGGER, TRUNCATE on users"),
        ("GRANT UPDATE (amount) ON approval_limits", "may UPDATE on approval_limits"),
        ("GRANT CREATE ON SCHEMA public", "may create"),
        ("REVOKE INSERT ON api_keys", "may not INSERT on api_keys"),
        ("GRANT INSERT (id) ON ledger_entries", "may INSERT the id of ledger_entries"),
        ("GRANT UPDATE ON SEQUENCE ledger_entries_id_seq", "UPDATE the sequence ledger_entries_id"),
        ("GRANT TEMPORARY ON DATABASE {database}", "may create"),
    ],
)
def test_a_wrong_privilege_is_found_and_put_right(db: None, change: str, problem: str) -> None:
    with as_owner():
        to_or_from = "FROM" if change.startswith("REVOKE") else "TO"
        change = change.format(database=connection.settings_dict["NAME"])
        execute(f"{change} {to_or_from} {APPLICATION}")
    [found] = database_roles.problems()

    with as_owner():
        call_command("database_roles", APPLICATION, stdout=StringIO())

    assert problem in found
    assert [*database_roles.problems()] == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("ALTER ROLE {role} BYPASSRLS", "has BYPASSRLS"),
        ("ALTER ROLE {role} CREATEROLE", "has CREATEROLE"),
        ("GRANT pg_execute_server_program TO {role}", "is a member of pg_execute_server_program"),
        ("GRANT SET ON PARAMETER session_replication_role TO PUBLIC", "session_replication_role"),
        ("CREATE SCHEMA other; GRANT CREATE ON SCHEMA other TO {role}", "CREATE in the schema oth"),
        ("ALTER FUNCTION refuse_change() OWNER TO {role}", "owns the function refuse_change()"),
        (
            "CREATE ROLE other; GRANT UPDATE ON ledger_entries TO other; ALTER ROLE {role}"
            " NOINHERIT; GRANT other TO {role}",
            "may UPDATE on ledger_entries",
        ),
        ("CREATE ROLE other SUPERUSER; GRANT other TO {role}", "owns the tables, or may do"),
    ],
)
def test_a_power_that_only_an_administrator_takes_away_is_found(
    db: None, change: str, problem: str
) -> None:
    with as_owner():
        execute(change.format(role=APPLICATION))

        found = [*database_roles.problems(APPLICATION)]

    assert any(problem in sentence for sentence in found)


def test_a_table_of_a_later_migration_is_the_programs_too(db: None) -> None:
    with as_owner():
        execute("CREATE TABLE later (id bigserial, words text)")

    execute("INSERT INTO later (words) VALUES ('one')")

    assert [*database_roles.problems()] == []


def test_after_migrate_the_privileges_and_the_limit_are_those_of_this_version(
    db: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ADJUSTMENT_APPROVAL_LIMIT = Decimal(25)
    monkeypatch.setitem(database_roles.ALLOWED, "invite_views", {"SELECT"})
    assert warnings() != []

    database_roles.bring_up_to_date(using="default")
    by_the_program = ApprovalLimit.objects.get().amount
    with as_owner():
        call_command("migrate", verbosity=0)

    assert by_the_program == 100
    assert ApprovalLimit.objects.get().amount == 25
    assert warnings() == []


def test_a_role_that_may_only_read_later_tables_is_not_taken_for_the_program(db: None) -> None:
    with as_owner():
        execute("CREATE ROLE analyst")
        execute("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO analyst")
        execute("GRANT SELECT ON referrals TO analyst")
        database_roles.bring_up_to_date(using="default")

    may = dict(database_roles._query(database_roles._PRIVILEGES, "default", role="analyst"))
    assert (may["referrals"], may["users"]) == (["SELECT"], [])


@pytest.mark.parametrize(
    ("role", "why"), [("postgres", "owns the tables"), ("nobody_here", "there is no role")]
)
def test_the_command_refuses_a_role_that_cannot_be_the_programs(
    owner: None, role: str, why: str
) -> None:
    role = role.replace("postgres", connection.settings_dict["USER"])

    with pytest.raises(CommandError, match=why):
        call_command("database_roles", role)


def test_the_command_only_looks_when_told_so_and_changes_nothing_for_the_program(
    db: None,
) -> None:
    with as_owner():
        execute(f"GRANT DELETE ON ledger_entries TO {APPLICATION}")
    out = StringIO()

    with pytest.raises(CommandError, match="1 problem"):
        call_command("database_roles", APPLICATION, check=True, stdout=out)
    with pytest.raises(CommandError, match="permission denied"), transaction.atomic():
        call_command("database_roles", APPLICATION)

    assert out.getvalue() == f"The role {APPLICATION} may DELETE on ledger_entries.\n"
