"""What is measured can be read by Prometheus, and by nobody else."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoAssertNumQueries

from accounts.tests.factories import Person
from gatewayz.http import metrics
from payments import event_store, inbox
from payments.tasks import retry_events
from payments.tests.at_once import execute
from payments.tests.factories import StripeEventFactory
from payments.tests.stripe_events import (
    deliver,
    envelope,
    event,
    pending_payment,
    refer,
    send,
    signed,
)
from referrals import review
from referrals.models import Referral

TOKEN = "a token of at least twenty characters".replace(" ", "-")


@pytest.fixture(autouse=True)
def token(settings: Any) -> None:
    settings.METRICS_TOKEN = TOKEN
    # Every route that a test before this one called has a dozen lines, and they are read each time.
    metrics.REQUESTS.clear()
    metrics.REQUEST_SECONDS.clear()


def scrape(authorization: str | None = f"Bearer {TOKEN}") -> Any:
    headers = {} if authorization is None else {"Authorization": authorization}
    return Client().get("/metrics", headers=headers)


def figures() -> dict[tuple[str, ...], float]:
    """Return each figure by its name and the values of its labels, in the order of their names."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(scrape().content.decode())
        for sample in family.samples
    }


class Growth:
    """By how much figures have grown since this was made."""

    def __init__(self) -> None:
        self.before = figures()

    def of(self, *names: str) -> float:
        return figures().get(names, 0) - self.before.get(names, 0)


def test_it_speaks_the_format_of_prometheus_and_costs_two_queries(
    db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(2):
        answer = scrape()

    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    assert "# TYPE gatewayz_requests_total counter" in answer.content.decode()


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer wrong", TOKEN, f"Basic {TOKEN}", "Bearer None", "B\xe9"]
)
def test_it_shows_nothing_without_the_token(db: None, authorization: str | None) -> None:
    answer = scrape(authorization)

    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert b"gatewayz_" not in answer.content


@pytest.mark.parametrize("authorization", [None, "Bearer None", "Bearer "])
def test_without_a_token_it_is_there_in_development_only(
    db: None, settings: Any, authorization: str | None
) -> None:
    settings.METRICS_TOKEN = None
    assert scrape(authorization).status_code == 404

    settings.DEBUG = True
    assert scrape(authorization).status_code == 200


def test_requests_are_counted_and_timed_by_route(alice: Person) -> None:
    growth = Growth()

    alice.api.get("/user/balance")
    alice.api.get("/user/balance/")
    for number in (1, 2):
        alice.api.delete(f"/user/api-keys/{number + 1_000_000}")

    assert growth.of("gatewayz_requests_total", "GET", "user/balance", "200") == 2
    assert growth.of("gatewayz_request_seconds_count", "GET", "user/balance") == 2
    route = "user/api-keys/<int:pk>"
    assert growth.of("gatewayz_requests_total", "DELETE", route, "404") == 2


@pytest.mark.parametrize("path", ["/wp-login.php", "/nothing/1", "/nothing/2?x=3"])
def test_no_caller_can_add_a_label(db: None, path: str) -> None:
    growth = Growth()

    Client().generic("BREW", path)

    assert growth.of("gatewayz_requests_total", "other", "unmatched", "404") == 1
    assert not [name for name in figures() if "BREW" in name or path in name]


def test_events_are_counted_by_type_and_outcome(charlie: Person) -> None:
    paid = event(pending_payment(charlie.user))
    growth = Growth()

    deliver(paid)
    deliver(envelope("charge.captured", {}))
    deliver(envelope("charge.updated", {}))

    assert growth.of("gatewayz_webhook_events_total", "settled", "checkout.session.completed") == 1
    assert growth.of("gatewayz_webhook_events_total", "ignored", "other") == 2
    assert growth.of("gatewayz_settlement_seconds_count") == 3


REFUSED = [
    (b"{}", "t=1,v1=0", "invalid_signature"),
    (b"{}", "", "invalid_signature"),
    (b"[]", None, "not_an_event"),
    (b"x" * (256 * 1024 + 1), "", "body_too_large"),
]


@pytest.mark.parametrize(("body", "signature", "reason"), REFUSED)
def test_what_is_no_event_of_stripes_is_counted_by_reason(
    db: None, body: bytes, signature: str | None, reason: str
) -> None:
    growth = Growth()

    send(body, signed(body) if signature is None else signature)

    assert growth.of("gatewayz_webhook_refusals_total", reason) == 1


@pytest.mark.parametrize("is_recorded", [False, True])
def test_an_event_that_fails_is_counted_as_500_whether_it_is_recorded_or_not(
    charlie: Person, monkeypatch: pytest.MonkeyPatch, is_recorded: bool
) -> None:
    monkeypatch.setitem(inbox.HANDLERS, "checkout.session.completed", lambda *_, **__: 1 / 0)
    if not is_recorded:
        monkeypatch.setattr(event_store, "store", lambda *_, **__: 1 / 0)
    growth = Growth()

    deliver(event(pending_payment(charlie.user)))

    assert growth.of("gatewayz_requests_total", "POST", "api/stripe/webhook", "500") == 1
    assert not is_recorded or growth.of("gatewayz_webhook_failures_total") == 1


def test_what_waits_for_someone_is_counted(
    alice: Person, charlie: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    refer(alice)
    before = figures()
    review.hold(Referral.objects.get().pk, reason="a test", now=timezone.now())
    deliver(event(pending_payment(charlie.user), amount_total=7))
    for minutes in (4, 6):  # After five minutes an event is overdue.
        StripeEventFactory.create(received_at=timezone.now() - timedelta(minutes=minutes))
    monkeypatch.setitem(inbox.HANDLERS, "checkout.session.completed", lambda *_, **__: 1 / 0)
    deliver(event(pending_payment(alice.user)))

    after = figures()
    for kind in ("quarantined", "unprocessed", "failed"):
        labels = "gatewayz_events_needing_someone", kind
        assert (before[labels], after[labels]) == (0, 1), kind
    assert (before["gatewayz_referrals_held",], after["gatewayz_referrals_held",]) == (0, 1)


@pytest.mark.parametrize(("seconds", "workers", "stalled"), [(20, 1, 0), (40, 1, 1), (180, 0, 1)])
def test_workers_are_counted_and_the_jobs_that_they_left(
    db: None, seconds: int, workers: int, stalled: int
) -> None:
    retry_events.configure().defer(timestamp=0)
    execute("SELECT procrastinate_register_worker_v1()")
    execute("UPDATE procrastinate_workers SET last_heartbeat = NOW() - %s * INTERVAL '1s'", seconds)
    execute(
        "UPDATE procrastinate_jobs SET status = 'doing', worker_id = procrastinate_workers.id"
        " FROM procrastinate_workers"
    )

    after = figures()

    assert after["gatewayz_workers",] == workers
    assert after["gatewayz_jobs_stalled",] == stalled


def test_without_the_database_the_rest_is_shown_all_the_same(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OperationalError("down")

    up = figures()["gatewayz_database_up",]
    with monkeypatch.context() as broken:
        broken.setattr(connection, "cursor", refuse)
        shown = figures()

    assert (up, shown["gatewayz_database_up",]) == (1, 0)
    assert any(name == "gatewayz_requests_total" for name, *_ in shown)


COUNT_IN_TWO_WORKERS = """
import os
import django
from prometheus_client import generate_latest
django.setup()
from gatewayz.http import metrics
if os.fork() == 0:
    metrics.WEBHOOK_FAILURES.inc(2)
    os._exit(0)
os.wait()
metrics.WEBHOOK_FAILURES.inc()
print(generate_latest(metrics._counters()).decode())
"""


@pytest.mark.slow
def test_with_a_shared_folder_the_workers_are_summed_up(tmp_path: Path) -> None:
    shared = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}

    worker = subprocess.run(
        [sys.executable, "-c", COUNT_IN_TWO_WORKERS],
        cwd=django_settings.BASE_DIR,
        env=os.environ | shared | {"DJANGO_SETTINGS_MODULE": "gatewayz.settings"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "gatewayz_webhook_failures_total 3.0" in worker.stdout
