"""The peers of `./dev bench` do the same work as we do, and what is reported of them is true."""

import hashlib
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from psycopg import sql

from accounts.models import User
from gatewayz.benchmarks import HOST, SECRET, load, loader, report, scenarios, statements
from gatewayz.benchmarks.peers import DJ_STRIPE, OURS, TUNED, first_way, tuned_schema
from gatewayz.benchmarks.processes import PEER, STRIPE, serving
from gatewayz.benchmarks.report import Measured
from gatewayz.benchmarks.stripe_stub import respond
from gatewayz.dev import virtual_environment
from payments.models import Payment
from payments.stripe_objects import read_checkout_session

PLOTS = ("operations", "settlement")
FIRST_WAY = [part.replace("tuned", "first_way") for part in PEER]


@pytest.fixture
def peers_schemas(transactional_db: None, owner: None) -> Iterator[None]:
    """The peers' tables, with the people that we have, of whom two have a key."""
    loader.load(loader.Size(people=40, purchases_each=1, referrers=2))
    loader.add_keys(1, 2)
    with connection.cursor() as cursor:
        cursor.execute(tuned_schema.SCHEMA)
        cursor.execute(first_way.SCHEMA)
        digest = hashlib.sha256(loader.key_of(1).encode()).hexdigest()
        cursor.execute("INSERT INTO peer.keys VALUES (%s, 1)", [digest])
        copy_people()
        yield
        cursor.execute("DROP SCHEMA peer, first_way CASCADE")


def copy_people() -> None:
    with connection.cursor() as cursor:
        cursor.execute(tuned_schema.COPY_PEOPLE)
        cursor.execute(first_way.COPY_PEOPLE)


def environment(stripe: str = "http://127.0.0.1:9") -> dict[str, str]:
    made = connection.settings_dict
    address = (
        f"postgresql://postgres@/{made['NAME']}?host={made['HOST'] or made['OPTIONS']['host']}"
    )
    return {"PEER_DATABASE": address, "PEER_SECRET": SECRET, "PEER_STRIPE": stripe}


def balances(schema: str) -> dict[int, Decimal]:
    with connection.cursor() as cursor:
        table = sql.Identifier(schema, "users")
        cursor.execute(sql.SQL("SELECT id, credits FROM {}").format(table))
        return dict(cursor.fetchall())


@pytest.mark.ci
def test_the_peers_settle_as_we_do(peers_schemas: None, settings: Any) -> None:
    settings.STRIPE_WEBHOOK_SECRETS, settings.ALLOWED_HOSTS = [SECRET], [HOST]
    requests = scenarios.settlements(8, per_code=4)
    copy_people()

    for request in requests:
        assert request.send(Client()).json()["outcome"] == "settled"
    for name, command in (("tuned", PEER), ("first way", FIRST_WAY)):
        with serving(name, command, environment()) as server:
            # One after the other: the first way loses credits of purchases at the same time.
            sent = [request.to_wire() for request in requests]
            assert load.run(server.port, 1, sent)["statuses"] == {200: 8}

    ours = balances("public")
    assert sum(ours.values()) > 8 * 30
    assert balances("peer") == balances("first_way") == ours


@pytest.mark.ci
def test_we_and_the_tuned_peer_register_and_start_a_checkout(
    peers_schemas: None, settings: Any
) -> None:
    settings.ALLOWED_HOSTS = [HOST]
    sign_ups = [*scenarios.registrations(1, codes=1), *scenarios.registrations(1, codes=0)]
    requests = [*sign_ups, scenarios.checkout(1)]

    with serving("Stripe", STRIPE, {}) as stripe:
        settings.STRIPE_API_BASE = f"http://127.0.0.1:{stripe.port}"
        with serving("tuned", PEER, environment(settings.STRIPE_API_BASE)) as server:
            answered = load.run(server.port, 1, [request.to_wire() for request in requests])
        ours = [request.send(Client()).status_code for request in requests]

    assert (answered["statuses"], ours) == ({201: 3}, [201, 201, 201])
    codes = User.objects.filter(username__startswith="new").order_by("id")
    assert [user.referred_by_code for user in codes] == [loader.code_of(1), None]
    assert Payment.objects.filter(session_id__startswith="cs_test_").count() == 1
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT referred_by_code FROM peer.users WHERE username LIKE 'new%' ORDER BY id"
        )
        assert cursor.fetchall() == [(loader.code_of(1),), (None,)]
        cursor.execute("SELECT amount, session_id LIKE 'cs_test_%', url <> '' FROM peer.checkouts")
        assert cursor.fetchall() == [(1000, True, True)]


def test_the_benchmarks_stripe_answers_with_a_session_that_we_can_read() -> None:
    form = {
        "line_items[0][price_data][unit_amount]": "1500",
        "line_items[0][price_data][currency]": "usd",
        "metadata[payment_id]": "7",
        "metadata[user_id]": "8",
    }

    session = read_checkout_session(respond(["checkout", "sessions"], form) or {})

    assert (session.amount, session.payment_id, session.user_id) == (1500, "7", "8")
    assert respond(["customers", "cus_1"], {}) is None
    for path in (["checkout", "sessions"], ["events"]):
        assert (respond(path, {}) or {})["data"] == []


def test_statements_and_commands_for_transactions_are_counted_apart() -> None:
    log = """
2026-11-27 10:00:00.000 UTC [7] LOG:  statement: BEGIN
2026-11-27 10:00:00.000 UTC [7] LOG:  execute _pg3_0:
\tWITH payment AS (SELECT 1)
\tSELECT 1
2026-11-27 10:00:00.000 UTC [7] DETAIL:  Parameters: $1 = 'LOG:  statement: SELECT'
2026-11-27 10:00:00.000 UTC [7] LOG:  execute <unnamed>: SELECT 2
2026-11-27 10:00:00.000 UTC [7] LOG:  statement: COMMIT
2026-11-27 10:00:00.000 UTC [7] LOG:  checkpoint starting: time
"""

    assert statements.read(log) == (2, 2)


def measured(cpu: float) -> Measured:
    return Measured(cpu / 2, cpu / 2, 100, 1, 2, statements=2, transaction_commands=2)


def test_a_ratio_is_of_the_same_round() -> None:
    rounds = {
        OURS: [measured(3), measured(4), measured(5)],
        TUNED: [measured(1), measured(2), measured(2)],
        DJ_STRIPE: [measured(30), measured(20), measured(50)],
    }

    assert report.ratios(rounds, TUNED) == [2, 2.5, 3]
    table = report.table("settle", rounds).splitlines()
    assert table[2].startswith("| Gatewayz | 2.00 + 2.00 = 4.00 | 100 | 1.0, 2.0 | 2 + 2 |")
    assert table[3].endswith("| ours is 2.5 × this (2.0 to 3.0) |")
    assert table[4].endswith("| this is 10.0 × ours (5.0 to 10.0) |")


@pytest.mark.parametrize("server", ["granian", "gunicorn"])
def test_the_plots_in_the_documents_are_of_the_kept_figures(server: str, tmp_path: Path) -> None:
    report.draw(json.loads((report.FIGURES / f"{server}.json").read_text()), tmp_path)

    drawn = sorted(tmp_path.iterdir())
    assert [plot.name for plot in drawn] == [f"{name}-{server}.svg" for name in PLOTS]
    for plot in drawn:
        assert plot.read_text() == (report.IMAGES / plot.name).read_text()


def test_packages_aside_are_installed_once_and_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []

    def install(command: list[str], _lock: object) -> None:
        commands.append(command)
        if len(commands) == 1:
            raise virtual_environment.CannotInstall("no network")
        Path(command[-1]).mkdir()

    monkeypatch.setattr(virtual_environment, "WORKSHOP", tmp_path)
    monkeypatch.setattr(virtual_environment, "_has_uv", lambda _lock: True)
    monkeypatch.setattr(virtual_environment, "_must_run", install)
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("dj-stripe==2.11.0")

    with pytest.raises(virtual_environment.CannotInstall):
        virtual_environment.install_aside(requirements)
    folders = [virtual_environment.install_aside(requirements) for _ in range(2)]

    assert len(commands) == 2
    assert {"--require-hashes", "--no-deps"} <= set(commands[1])
    assert folders[0] == folders[1] == Path(commands[1][-1])
