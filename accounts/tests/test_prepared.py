"""A statement is prepared once for each connection, and then runs any number of times."""

from datetime import UTC, datetime

import pytest
from django.db import DataError, connection, transaction
from django.db.models import CharField
from django.test.utils import CaptureQueriesContext

from accounts import prepared
from accounts.models import User
from accounts.prepared import Parameter, Query
from accounts.tests.factories import Person
from accounts.tests.roles import as_owner
from payments.tests.at_once import execute
from payments.tests.stripe_events import settle

# Said in this way psycopg does not notice.
FORGET = "DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$"
COUNT = "SELECT count(*) FROM users WHERE username = %(name)s::text AND id < %(below)s::bigint"


def prepared_statements(like: str) -> list[int]:
    """Return how often each prepared statement of this connection has run by its one plan."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT generic_plans FROM pg_prepared_statements WHERE statement LIKE %s", [like]
        )
        return [plans for (plans,) in cursor.fetchall()]


def test_a_query_is_compiled_once_from_the_models(alice: Person, bob: Person) -> None:
    built = []

    def build() -> object:
        built.append(1)
        named = User.objects.filter(username=Parameter("name", CharField()))
        return named.values_list("pk", "username")

    query = Query(build)  # type: ignore[arg-type]

    rows = [query.fetch(name=name) for name in ("alice", "bob", "nobody")]

    assert rows == [[(alice.user.pk, "alice")], [(bob.user.pk, "bob")], []]
    assert built == [1]


def test_values_have_their_types_and_percent_signs_stay(db: None) -> None:
    now = datetime(2026, 5, 10, 12, tzinfo=UTC)
    sql = "SELECT %(now)s::timestamptz, %(now)s::timestamptz, %(no)s::text, 'a%%b'"

    with CaptureQueriesContext(connection) as queries:
        [row] = prepared.fetch(sql, {"now": now, "no": None})

    assert row == (now, now, None, "a%b")
    shown = "SELECT $1::timestamptz, $1::timestamptz, $2::text, 'a%b'"
    assert [query["sql"] for query in queries] == [shown]
    with pytest.raises(KeyError, match="no"):
        prepared.fetch(sql, {"now": now})


@pytest.mark.django_db(transaction=True)
def test_each_connection_prepares_a_statement_once_whatever_its_values() -> None:
    for _ in range(2):
        connection.close()
        for below in (1, 2**20, 2**40):
            assert prepared.fetch(COUNT, {"name": "alice", "below": below}) == [(0,)]

        assert prepared_statements("SELECT count(*) FROM users WHERE username = $1%") == [3]


def test_a_statement_that_failed_runs_again(alice: Person) -> None:
    divide = "SELECT 6 / %(by)s::bigint"

    for _ in range(2):
        with pytest.raises(DataError), transaction.atomic():
            prepared.fetch(divide, {"by": 0})

        assert prepared.fetch(divide, {"by": 2}) == [(3,)]


@pytest.mark.parametrize(
    "statement", ["PREPARE _pg3_0 AS SELECT 1", FORGET], ids=["another's", "gone"]
)
@pytest.mark.django_db(transaction=True)
def test_a_pooler_that_keeps_no_prepared_statements_is_named(
    alice: Person, statement: str, caplog: pytest.LogCaptureFixture
) -> None:
    connection.close()
    if statement == FORGET:
        prepared.fetch(COUNT, {"name": "alice", "below": 1})
    execute(statement)

    with pytest.raises(prepared.PoolerForgetsError, match=r"PgBouncer .* 1\.21"):
        prepared.fetch(COUNT, {"name": "alice", "below": 1})

    assert "PgBouncer" in caplog.text
    connection.close()


def change_email(length: int) -> None:
    with as_owner():
        execute(f"ALTER TABLE users ALTER email TYPE varchar({length})")


@pytest.mark.django_db(transaction=True)
def test_it_works_on_after_a_migration_has_changed_a_column(alice: Person, bob: Person) -> None:
    sql = "SELECT email FROM users WHERE id = %(id)s::bigint"
    prepared.fetch(sql, {"id": alice.user.pk})
    settle(bob.user)

    try:
        change_email(300)
        found = prepared.fetch(sql, {"id": alice.user.pk})
        balance = alice.api.get("/user/balance")
        change_email(301)
        settle(bob.user)
    finally:
        change_email(254)

    assert found == [(alice.user.email,)]
    assert balance.status_code == 200
    assert bob.balance() == "30.00"
