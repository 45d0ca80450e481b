"""`check_ledger` runs its parts on connections of their own, and all of them see one snapshot."""

import pytest
from django.db import DatabaseError, OperationalError, connection, transaction

from accounts.tests.factories import Person, register
from payments.reports import invariants
from payments.reports.invariants import Breach, breaches
from payments.tests.guards import wrong
from payments.tests.stripe_events import settle

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.negative_control]

CHANGES = (
    "UPDATE users SET credits = credits + 5 WHERE username = 'alice'",
    "UPDATE ledger_entries SET number = 9 WHERE kind = 'referrer_bonus'",
    "UPDATE referrals SET use_number = 3",
    "UPDATE payments SET taken_back = 1",
)
COUNT = "SELECT 'users', COUNT(*)::text FROM users"


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The invariants of the test, in place of the real ones."""
    parts: dict[str, str] = {}
    monkeypatch.setattr(invariants, "INVARIANTS", parts)
    return parts


def test_no_part_sees_what_is_committed_meanwhile(
    charlie: Person, parts: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each part has a connection of its own."""
    own = "SELECT 'connection', (pg_backend_pid() <> %d)::text"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [(pid,)] = cursor.fetchall()
    parts |= {"one": COUNT, "two": COUNT, "three": own % pid}
    find = invariants._find_in_snapshot

    def find_and_register(snapshot: str, invariant: str) -> list[Breach]:
        register(f"late-{invariant}")
        return find(snapshot, invariant)

    monkeypatch.setattr(invariants, "_find_in_snapshot", find_and_register)

    counts = [Breach(name, "users", "1") for name in ("one", "two")]
    assert breaches() == [*counts, Breach("three", "connection", "true")]


def test_inside_a_transaction_it_sees_what_is_not_committed(
    charlie: Person, parts: dict[str, str]
) -> None:
    parts |= {"one": COUNT, "two": COUNT}

    with transaction.atomic():
        register("dora")

        assert [breach.detail for breach in breaches()] == ["2", "2"]


def test_the_parts_find_what_one_statement_finds_in_the_same_order(
    alice: Person, bob: Person
) -> None:
    settle(bob.user)
    with transaction.atomic():
        for change in CHANGES:
            wrong((change,))
        inside = breaches()

    outside = breaches()

    assert len({breach.invariant for breach in inside}) >= len(CHANGES)
    assert outside == inside


@pytest.mark.parametrize(
    ("failing", "error", "message"),
    [
        ("(1 / (random() * 0)::int)", DatabaseError, "division by zero"),
        ("pg_terminate_backend(pg_backend_pid())", OperationalError, None),
    ],
)
def test_an_error_in_a_part_is_an_error_of_the_check(
    parts: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    failing: str,
    error: type[Exception],
    message: str | None,
) -> None:
    # Only the owner may end connections of whoever has logged in for the tests.
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "assume_role", None)
    parts |= {"one": COUNT, "two": f"SELECT 'x', {failing}::text", "three": COUNT}

    with pytest.raises(error, match=message):
        breaches()


def test_the_snapshot_stays_while_the_parts_run(parts: dict[str, str]) -> None:
    parts |= {str(n): "SELECT 'x', pg_sleep(0.1)::text" for n in range(6)}
    with connection.cursor() as cursor:
        cursor.execute("SET idle_in_transaction_session_timeout = '50ms'")

    found = breaches()

    connection.close()  # With its time-out it might not live to empty the tables.
    assert len(found) == 6
