"""Reports read a streaming replica while it follows; all that decides or writes, the primary."""

import json
from collections.abc import Iterator
from secrets import token_hex
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import InternalError, connection, connections
from django.test import Client
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker
from structlog.testing import capture_logs

from accounts import report_database
from accounts.models import User
from accounts.report_database import PRIMARY, REPLICA
from accounts.tests.factories import Person, logged_in, member_of, register
from gatewayz.tests.test_metrics import TOKEN, figures
from payments.models import LedgerCheck
from payments.reports import invariants, ledger_checks
from payments.reports.invariants import Breach
from payments.tests.own_postgres import OwnPostgres
from payments.tests.standby import Standby, reports_read, standby_of
from payments.tests.stripe_events import settle
from payments.tests.test_commands import Run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def standby(postgres: OwnPostgres, django_db_blocker: DjangoDbBlocker) -> Iterator[Standby]:
    with django_db_blocker.unblock(), standby_of(postgres) as standby:
        yield standby


@pytest.fixture
def replica(there: None, standby: Standby) -> Iterator[Standby]:
    """A standby that has all that the primary has, and that reports read."""
    newcomer()  # until it has replayed a commit nobody can tell its lag
    standby.catch_up()
    with reports_read(standby):
        yield standby


@pytest.fixture
def paused(replica: Standby) -> Iterator[Standby]:
    """One that replays nothing of what the test does, and lags by less than is allowed."""
    replica.pause()
    yield replica
    replica.resume()


@pytest.fixture
def stopped(replica: Standby) -> Iterator[Standby]:
    replica.stop()
    yield replica
    replica.start()


def newcomer(code: str = "") -> Person:
    return register(f"person_{token_hex(4)}", code=code)


def sign_ups() -> int:
    """Return how many people the report has counted."""
    report = json.loads(Run("referral_report", "--format", "json").printed)
    [row] = [row for row in report if row["figure"] == "sign_ups"]
    return int(row["value"])


def test_a_report_reads_the_replica_and_people_the_primary(paused: Standby) -> None:
    before = sign_ups()

    alice = newcomer()
    bob = newcomer(alice.code)
    settle(bob.user)

    assert (alice.balance(), bob.balance()) == ("10.00", "20.00")
    assert bob.api.get("/user/balance").json()["credits"] == 20
    assert sign_ups() == before
    assert alice.code not in Run("leaderboard", "--limit", "1000").printed
    paused.resume()
    paused.catch_up()
    assert sign_ups() == before + 2
    assert alice.code in Run("leaderboard", "--limit", "1000").printed


def test_a_replica_that_lags_too_much_is_not_read(paused: Standby, settings: Any) -> None:
    settings.METRICS_TOKEN = TOKEN
    before = sign_ups()
    newcomer()
    following = figures()
    settings.DATABASE_REPLICA_MAX_LAG_SECONDS = 0

    with capture_logs() as logged:
        counts = [sign_ups(), sign_ups()]
    avoided = figures()

    assert counts == [before + 1] * 2
    [warning] = [line for line in logged if line["event"] == "replica_avoided"]
    assert warning["reason"] == "it lags"
    assert warning["lag_seconds"] > 0
    assert 0 < following["gatewayz_replica_lag_seconds",] < avoided["gatewayz_replica_lag_seconds",]
    assert (following["gatewayz_replica_used",], avoided["gatewayz_replica_used",]) == (1, 0)


def test_a_dead_replica_is_not_read_nor_tried_again_for_every_report(stopped: Standby) -> None:
    newcomer()
    with capture_logs() as logged:
        counts = [sign_ups(), sign_ups()]
        stopped.start()
        newcomer()
        counts.append(sign_ups())
    stopped.stop()

    assert counts == [counts[0], counts[0], counts[0] + 1]
    assert [line["event"] for line in logged].count("replica_avoided") == 1


def test_a_report_whose_replica_dies_in_the_middle_goes_to_the_primary(replica: Standby) -> None:
    asked = []

    def report() -> int:
        asked.append(report_database.connection().alias)
        if report_database.connection().alias == REPLICA:
            replica.stop()
        return User.objects.count()

    try:
        count = report_database.read(report)
    finally:
        replica.start()

    assert (asked, count) == ([REPLICA, PRIMARY], User.objects.count())


def test_nothing_is_written_to_the_replica(replica: Standby) -> None:
    bob = newcomer()
    replica.catch_up()

    found = report_database.read(lambda: User.objects.get(pk=bob.user.pk))
    found.show_on_leaderboard = not found.show_on_leaderboard
    found.save()

    assert found._state.db == PRIMARY
    with pytest.raises(InternalError, match="read-only transaction"):
        report_database.read(
            lambda: report_database.connection().cursor().execute("DELETE FROM users")
        )


def test_the_ledger_is_checked_there_in_one_snapshot_and_the_result_is_kept_on_the_primary(
    replica: Standby, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(newcomer(newcomer().code).user)
    replica.catch_up()
    assert ledger_checks.run(now=timezone.now()) == []
    where = "SELECT 'snapshot', pg_is_in_recovery() || ' ' || pg_current_snapshot()"
    now = timezone.now()

    with monkeypatch.context() as context:
        context.setattr(invariants, "INVARIANTS", {"one": where, "two": where})
        [first, second] = ledger_checks.run(now=now)

    assert first == Breach("one", "snapshot", second.detail)
    assert first.detail.startswith("true ")
    assert LedgerCheck.objects.using(PRIMARY).filter(checked_at=now, breaches=2).exists()


@pytest.fixture
def finance(there: None) -> Client:
    Group.objects.get_or_create(name="Finance")
    return logged_in(member_of("Finance", f"fiona_{token_hex(4)}"))


def signed_up(client: Client) -> str:
    [figure] = [f for f in client.get("/admin/").context["figures"] if f.title == "Sign-ups"]
    return str(figure.value)


def test_operators_read_the_replica_until_they_have_done_something(
    paused: Standby, finance: Client
) -> None:
    before, bob = signed_up(finance), newcomer()
    answer = {"format": "csv", "reason": "an audit", "answered": "1"}

    assert signed_up(finance) == before
    listed = finance.get("/admin/referrals/leaderboardentry/").context["cl"]
    assert listed.queryset.db == REPLICA
    exported = finance.post("/admin/accounts/user/export/", answer).getvalue().decode()
    assert exported.startswith("id,username")
    assert bob.user.username not in exported
    finance.post("/admin/referrals/leaderboardentry/refresh/")
    assert int(signed_up(finance)) > int(before)


def test_a_database_that_does_not_follow_the_primary_is_not_read(replica: Standby) -> None:
    here = connections[REPLICA].settings_dict
    for there in ({"NAME": "postgres"}, connection.settings_dict):
        connections[REPLICA].close()
        here.update(there)

        assert report_database.state().problem == "it is no replica of the primary"
        assert report_database.choose() == PRIMARY
