"""The guards hold, and honest writes work, whatever search path the writer has."""

from collections.abc import Iterator

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.constraints import violated
from accounts.search_path import fix_search_path
from accounts.tests.factories import Person
from accounts.tests.roles import as_owner
from accounts.tests.test_adjustments import ask
from payments.tests.at_once import execute
from payments.tests.stripe_events import settle

# What a writer who wants to deceive the guards can put in the place of our tables.
DECOYS = """
    CREATE TEMPORARY TABLE users AS
        SELECT id, 1000.00 AS credits, true AS is_active, true AS is_superuser FROM public.users;
    CREATE TEMPORARY TABLE ledger_entries AS
        SELECT u.id AS user_id, 1000.00 AS balance_after, 1000 AS number FROM public.users u;
    CREATE TEMPORARY TABLE referrals AS SELECT 0 AS use_number, u.id AS referrer_id
        FROM public.users u;
"""
# Functions that our migrations made: those of procrastinate are its own.
OFFENDERS = """
    SELECT oid::regprocedure::text FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace AND proname NOT LIKE 'procrastinate%'
      -- Those of an extension read no table.
      AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
      AND NOT EXISTS (SELECT FROM unnest(proconfig) setting
                      WHERE setting ~ '^search_path=pg_catalog, .*, pg_temp$')
"""


@pytest.fixture
def writer(db: None) -> Iterator[None]:
    """Write as a role that may read, insert, update and have temporary tables, and no more."""
    with as_owner():
        execute("CREATE ROLE writer")
        execute("GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO writer")
        execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO writer")
        execute(f"GRANT TEMPORARY ON DATABASE {connection.settings_dict['NAME']} TO writer")
        execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED; SET ROLE writer")
        yield
        execute("DISCARD TEMP; RESET search_path")


def commit(statements: str, *params: int) -> None:
    """Run the statements, and what a commit checks."""
    execute(statements, *params)
    execute("SET CONSTRAINTS ALL IMMEDIATE")


def refusal(statements: str, *params: int) -> str:
    """Return the guard that refuses the statements."""
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        commit(statements, *params)
    return violated(refused.value)


@pytest.mark.parametrize("path", ["DEFAULT", "pg_temp, public", "''"])
def test_decoys_deceive_no_guard(alice: Person, bob: Person, writer: None, path: str) -> None:
    settle(bob.user)
    execute(DECOYS)
    execute(f"SET LOCAL search_path = {path}")

    balance = refusal("UPDATE public.users SET credits = 1000")
    entry = refusal(
        """INSERT INTO public.ledger_entries (user_id, kind, amount, balance_after, description,
                                              idempotency_key, reference, created_at)
           VALUES (%s, 'purchase', 10, 1010, '', 'forged', '', now())""",
        alice.user.pk,
    )

    assert (balance, entry) == ("users_credits_follow_ledger", "ledger_entries_chain")
    with connection.cursor() as cursor:
        cursor.execute("SELECT public.referral_uses(%s)", [alice.user.pk])
        assert cursor.fetchone() == (1,)


def test_without_a_path_honest_writes_work(alice: Person, writer: None) -> None:
    execute("SET LOCAL search_path = ''")

    with transaction.atomic():
        commit(
            """INSERT INTO public.ledger_entries (user_id, kind, amount, balance_after, description,
                                                  idempotency_key, reference, created_at)
               VALUES (%s, 'purchase', 10, 10, '', 'honest', '', now());
               UPDATE public.users SET credits = 10 WHERE id = %s""",
            *(alice.user.pk, alice.user.pk),
        )
        # No purchase belongs to this entry.
        transaction.set_rollback(True)


@pytest.mark.negative_control
def test_without_their_path_the_guards_are_deceived(alice: Person, owner: None) -> None:
    ask(alice, "5.00")
    commit("ALTER FUNCTION users_check_credits() RESET search_path")
    execute("SET CONSTRAINTS ALL DEFERRED")
    execute(DECOYS)

    commit("UPDATE public.users SET credits = 1000")

    execute("SET LOCAL search_path = public, pg_temp")
    assert alice.balance() == "1000.00"


def test_every_function_of_ours_has_its_path(owner: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(OFFENDERS)
        assert cursor.fetchall() == []
        cursor.execute("CREATE FUNCTION another() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        cursor.execute(OFFENDERS)
        assert cursor.fetchall() == [("another()",)]


def test_the_schema_may_have_another_name(owner: None) -> None:
    """The path of a function names the schema in which the migration finds it."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA elsewhere")
        cursor.execute("SET LOCAL search_path = elsewhere")
        cursor.execute("CREATE FUNCTION count_uses() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        operation = fix_search_path("count_uses()")

        cursor.execute(str(operation.sql))
        cursor.execute("SELECT proconfig FROM pg_proc WHERE proname = 'count_uses'")
        assert cursor.fetchone() == (["search_path=pg_catalog, elsewhere, pg_temp"],)
        cursor.execute(str(operation.reverse_sql))
        cursor.execute("SELECT proconfig FROM pg_proc WHERE proname = 'count_uses'")
        assert cursor.fetchone() == (None,)
        cursor.execute("SET LOCAL search_path = DEFAULT")
