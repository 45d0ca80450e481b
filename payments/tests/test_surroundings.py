"""When the database is away, full or in the way, the server says so, and recovers by itself.

Stripe's own absences are test_checkout's.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from functools import partial
from secrets import token_hex
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client

from accounts.tests.factories import Person, register
from accounts.tests.roles import as_owner
from payments.models import StripeEvent
from payments.tests.at_once import LOCK_USER, another_transaction, wait_until
from payments.tests.own_postgres import NAME, OwnPostgres, connected_to
from payments.tests.real_server import Server, serving
from payments.tests.stripe_events import event, pending_payment

pytestmark = pytest.mark.slow

# Of somebody with a browser; whose it is only the database knows.
COOKIE = "sessionid=0123456789abcdefghijklmnopqrstuv"

ENDPOINTS: list[tuple[str, str, Any]] = [
    ("POST", "/auth/register", {"username": "d", "email": "d@example.com", "auth_method": "email"}),
    ("GET", "/referral/code", None),
    ("POST", "/referral/generate", None),
    ("POST", "/referral/validate", {"referral_code": "ABC12345"}),
    ("GET", "/referral/stats", None),
    ("POST", "/api/stripe/checkout-session", {"amount": 1000, "currency": "usd"}),
    ("GET", "/api/stripe/checkout-session/cs_test_1", None),
    ("GET", "/api/stripe/payments", None),
    ("GET", "/user/balance", None),
    ("GET", "/user/transactions", None),
    ("GET", "/user/api-keys", None),
    ("POST", "/user/api-keys", {"name": "laptop"}),
    ("DELETE", "/user/api-keys/1", None),
    ("GET", "/readyz", None),
]
KEY = f"gw_live_{'x' * 43}"
EVENT = {
    "id": "evt_1",
    "object": "event",
    "type": "charge.succeeded",
    "created": 1,
    "livemode": False,
    "data": {"object": {}},
}
PAGES = ["/", "/dashboard", "/admin/", "/admin/accounts/user/"]
READS = ["/referral/code", "/referral/stats", "/api/stripe/payments", "/user/balance", "/readyz"]


@pytest.fixture(scope="module")
def server(django_db_setup: None) -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def server_there(postgres: OwnPostgres) -> Iterator[Server]:
    """One worker of one thread, with its one connection to the database that may be stopped."""
    with ExitStack() as serves:
        with connected_to(postgres):
            server = serves.enter_context(serving())
        yield server


@pytest.fixture
def alice_and_bob_there(there: None) -> tuple[Person, Person]:
    alice = register(f"alice_{token_hex(4)}")
    return alice, register(f"bob_{token_hex(4)}", code=alice.code)


def sessions() -> int:
    """Count the other sessions in this database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        count: int = cursor.fetchone()[0]
        return count


@pytest.mark.parametrize("path", READS)
def test_a_restart_between_two_requests_of_one_connection_does_no_harm(
    postgres: OwnPostgres,
    server_there: Server,
    alice_and_bob_there: tuple[Person, Person],
    path: str,
) -> None:
    read = partial(server_there.ask, "GET", path, key=alice_and_bob_there[1].api_key)
    before, kept = read(), sessions()

    postgres.restart()

    assert (before.status_code, kept, read().status_code) == (200, 1, 200)


@pytest.mark.django_db(transaction=True)
def test_a_body_in_chunks_is_refused_and_not_taken_for_an_empty_one(
    server: Server, alice: Person
) -> None:
    body = iter([b'{"name": "laptop"}'])
    refused = server.send("POST", "/user/api-keys", body, key=alice.api_key)

    assert (refused.status_code, refused.json()["code"]) == (411, "length_required")
    assert alice.user.api_keys.count() == 1


@contextmanager
def read_only(postgres: OwnPostgres) -> Iterator[None]:
    """Make it what a failover leaves to those who connect to the replica."""
    with psycopg.connect(postgres.url, autocommit=True) as owner:
        owner.execute(f"ALTER DATABASE {NAME} SET default_transaction_read_only = on")
    postgres.restart()
    try:
        yield
    finally:
        with psycopg.connect(postgres.url, autocommit=True) as owner:
            owner.execute("SET default_transaction_read_only = off")
            owner.execute(f"ALTER DATABASE {NAME} RESET default_transaction_read_only")
        postgres.restart()


def test_without_its_tables_every_endpoint_answers_503(postgres: OwnPostgres) -> None:
    with psycopg.connect(postgres.url, autocommit=True) as owner:
        owner.execute("CREATE DATABASE empty")
    url = postgres.url.replace(f"/{NAME}?", "/empty?")
    with serving(DATABASE_URL=url) as server:
        ready = server.ask("GET", "/readyz")
        answers = [server.ask(method, path, body, key=KEY) for method, path, body in ENDPOINTS]
        answers.append(server.deliver(EVENT))

    assert ready.json()["code"] == "migrations_pending"
    assert [answer.status_code for answer in answers] == [503] * len(answers)


@pytest.mark.django_db
def test_a_full_disk_is_answered_503_and_the_process_is_not_ready_for_a_while(
    client: Client,
) -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION pg_temp.full_disk() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = 'disk_full'; END $$"
        )
        cursor.execute(
            "CREATE TRIGGER full_disk BEFORE INSERT ON users"
            " FOR EACH ROW EXECUTE FUNCTION pg_temp.full_disk()"
        )

    _, path, body = ENDPOINTS[0]
    refused = client.post(path, body, "application/json")
    ready = client.get("/readyz")

    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert (ready.status_code, ready.json()["code"]) == (503, "database_full")


@contextmanager
def all_connections_taken(postgres: OwnPostgres) -> Iterator[None]:
    """Use up all connections of PostgreSQL until the end of the block."""
    # So that the server, too, has to connect anew.
    postgres.restart()
    taken = []
    with suppress(psycopg.OperationalError):
        while True:
            taken.append(psycopg.connect(postgres.url, autocommit=True))
    try:
        yield
    finally:
        last = taken.pop()
        for one in taken:
            one.close()
        others = "SELECT FROM pg_stat_activity WHERE datname <> '' AND pid <> pg_backend_pid()"
        wait_until(lambda: last.execute(others).rowcount == 0)
        last.close()


DOWN = "database_unavailable"


@pytest.mark.parametrize(
    ("trouble", "ready", "statuses", "page_status"),
    [
        (OwnPostgres.down, DOWN, {503}, 503),
        (all_connections_taken, DOWN, {503}, 503),
        # Validate writes nothing, and the session and the key of this list are nobody's.
        (read_only, "database_read_only", {200, 404, 503}, 200),
    ],
)
def test_meanwhile_it_answers_503_and_an_event_that_comes_settles_afterwards(
    postgres: OwnPostgres,
    server_there: Server,
    alice_and_bob_there: tuple[Person, Person],
    trouble: Callable[[OwnPostgres], AbstractContextManager[None]],
    ready: str,
    statuses: set[int],
    page_status: int,
) -> None:
    alice, bob = alice_and_bob_there
    paid = event(pending_payment(bob.user, 1000))

    with trouble(postgres):
        answers = [
            server_there.ask(method, path, body, key=bob.api_key)
            for method, path, body in ENDPOINTS
        ]
        pages = [server_there.ask("GET", path, Cookie=COOKIE) for path in PAGES]
        healthy = [server_there.ask("GET", "/healthz", Cookie=cookie) for cookie in ("", COOKIE)]
        refused = server_there.deliver(paid)
    redelivered = server_there.deliver(paid)

    assert {answer.status_code for answer in answers} == statuses
    assert (answers[0].json()["code"], answers[-1].json()["code"]) == (DOWN, ready)
    assert {page.status_code for page in pages} == {page_status}
    unavailable = [answer for answer in (*answers, refused) if answer.status_code == 503]
    assert {answer.json()["code"] for answer in unavailable} == {DOWN, ready}
    retry_after = {answer.headers.get("Retry-After") for answer in (*unavailable, *pages)}
    assert retry_after == ({"5"} if page_status == 503 else {"5", None})
    assert [answer.status_code for answer in (*healthy, refused)] == [200, 200, 503]
    assert redelivered.json()["outcome"] == "settled"
    for path in READS:
        assert server_there.ask("GET", path, key=bob.api_key).status_code == 200, path
    assert (alice.balance(), bob.balance()) == ("10.00", "20.00")


@pytest.mark.django_db(transaction=True)
def test_a_lock_that_lasts_above_three_seconds_is_answered_503_and_settles_later(
    server: Server, alice: Person, bob: Person
) -> None:
    paid = event(pending_payment(bob.user, 1000))

    with another_transaction(LOCK_USER, alice.user.pk):
        began = time.monotonic()
        refused = server.deliver(paid)
        waited = time.monotonic() - began
    noted = StripeEvent.objects.get()
    redelivered = server.deliver(paid)

    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert 3 <= waited < 15
    assert (noted.outcome, noted.attempts) == ("failed", 1)
    assert redelivered.json()["outcome"] == "settled"
    assert (alice.balance(), bob.balance()) == ("10.00", "20.00")
