"""The program behind PgBouncer, which gives a connection to another client after each transaction.

`PGBOUNCER` names the program, of version 1.21 or newer, where it is not on PATH. Without one these
tests are skipped, unless `REQUIRE_PGBOUNCER=1`.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from accounts.tests.factories import Person, register
from accounts.tests.roles import APPLICATION
from gatewayz.dev.drill.programs import find_pgbouncer
from gatewayz.dev.embedded_postgres import SHORT_DIRECTORY
from gatewayz.dev.postgres_binaries import ServerAccount
from payments.models import StripeEvent
from payments.tests.at_once import wait_until
from payments.tests.real_server import PATIENCE_SECONDS, serving
from payments.tests.stripe_events import event, pending_payment
from payments.tests.test_at_once import outcomes_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

PORT = 6432
CONFIGURATION = """
[databases]
* = host={host} port={port}
[pgbouncer]
listen_port = {own_port}
unix_socket_dir = {folder}
auth_type = trust
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = 3
max_prepared_statements = 100
ignore_startup_parameters = options
"""


def require_pgbouncer() -> str:
    program = find_pgbouncer()
    if program:
        return program
    if os.environ.get("REQUIRE_PGBOUNCER") == "1":
        pytest.fail("there is no PgBouncer of version 1.21 or newer")
    pytest.skip("there is no PgBouncer of version 1.21 or newer")


@pytest.fixture
def pooled_url(transactional_db: None) -> Iterator[str]:
    """Return the address of the test's database behind a PgBouncer."""
    program, database = require_pgbouncer(), connection.settings_dict
    account = ServerAccount.choose()
    with tempfile.TemporaryDirectory(prefix="gatewayz-test-", dir=SHORT_DIRECTORY) as folder:
        os.chown(folder, account.uid, account.gid)
        configuration = CONFIGURATION.format(
            host=database["OPTIONS"].get("host") or database["HOST"] or "localhost",
            port=database["OPTIONS"].get("port") or database["PORT"] or 5432,
            own_port=PORT,
            folder=folder,
        )
        Path(folder, "pgbouncer.ini").write_text(configuration)
        Path(folder, "users").write_text(f'"{APPLICATION}" "{database["PASSWORD"]}"\n')
        pooler = subprocess.Popen(
            [program, "--quiet", f"{folder}/pgbouncer.ini"], **account.process_options
        )
        try:
            url = f"postgresql://{APPLICATION}@/{database['NAME']}?host={folder}&port={PORT}"
            wait_until(lambda: answers(url), seconds=PATIENCE_SECONDS)
            yield url
        finally:
            pooler.terminate()
            pooler.wait(PATIENCE_SECONDS)


def answers(url: str) -> bool:
    with suppress(psycopg.OperationalError):
        psycopg.connect(url).close()
        return True
    return False


def test_time_outs_come_from_the_role(pooled_url: str) -> None:
    with psycopg.connect(pooled_url, options="-c lock_timeout=7s") as pooled:
        for name, value in settings.CONNECTION_SETTINGS.items():
            assert pooled.execute(f"SHOW {name}").fetchone() == (value,)


def test_purchases_at_once_and_reads_between_them(pooled_url: str, alice: Person) -> None:
    friends = [register(f"friend{number}", code=alice.code) for number in range(12)]
    paid = [event(pending_payment(friend.user)) for friend in friends]

    with serving(workers=2, threads=4, DATABASE_URL=pooled_url) as server:
        outcomes = outcomes_of(server.deliver, *paid)
        ask = partial(server.ask, key=alice.api_key)
        balances = [ask("GET", "/user/balance").json()["credits"] for _ in range(20)]
        stats = ask("GET", "/referral/stats").json()

    assert outcomes == {"settled": 12}
    assert balances == [100.0] * 20
    assert (stats["total_uses"], stats["remaining_uses"]) == (10, 0)
    assert sorted(friend.balance() for friend in friends) == ["10.00"] * 2 + ["20.00"] * 10
    assert not StripeEvent.objects.exclude(last_error="").exists()
