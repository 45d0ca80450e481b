"""`./dev bench --traffic` sends what it says, and sees errors, growth and wrong balances."""

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from accounts.tests.factories import Person
from gatewayz.benchmarks import stripe_payloads, traffic, traffic_samples
from gatewayz.benchmarks.traffic_samples import ALLOWED
from gatewayz.dev.checkout import ROOT
from payments.tests.stripe_events import deliver, pending_payment, settle

EVERYTHING = {
    *("admin page", "balance", "checkout", "code", "settle"),
    *("sign-up", "sign-up with a code", "stats", "validate"),
}


@pytest.mark.ci
def test_a_few_seconds_of_traffic_end_without_error_and_with_a_clean_ledger(
    tmp_path: Path,
) -> None:
    file = tmp_path / "traffic.json"
    command = [sys.executable, "-m", "gatewayz.benchmarks", "--traffic", "0.1", "--json", str(file)]

    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert finished.returncode == 0, finished.stdout + finished.stderr
    found = json.loads(file.read_text())
    assert found["problems"] == []
    assert set(found["operations"]) >= EVERYTHING
    assert sum(one["errors"] for one in found["operations"].values()) == 0
    assert found["samples"][-1]["events not yet processed"] == 0


def grown(**changes: list[float]) -> list[str]:
    """Return what has grown of a steady program whose figures are these, by the word they have."""
    samples = [dict.fromkeys(ALLOWED, 300.0) for _ in range(12)]
    for word, values in changes.items():
        [name] = [name for name in ALLOWED if word in name]
        for sample, value in zip(samples, values, strict=True):
            sample[name] = value
    return [one.name for one in traffic_samples.courses(samples) if one.has_grown]


@pytest.mark.parametrize("word", ["server", "worker", "connections", "jobs", "events", "card"])
def test_what_rises_all_the_time_has_grown(word: str) -> None:
    [name] = grown(**{word: [300.0 + 100 * n for n in range(12)]})

    assert word in name


def test_what_a_job_works_off_each_minute_has_not_grown() -> None:
    assert grown(card=[0, 900, 1800, 300] * 3, jobs=[0, 0, 2, 1] * 3) == []


def test_a_balance_that_differs_from_what_was_sent_is_seen(alice: Person) -> None:
    before = {alice.user.pk: Decimal("0.00")}
    settle(alice.user, 1000)

    assert traffic.wrong_records(before, {str(alice.user.pk): 1000}) == []
    assert traffic.wrong_records(before, {str(alice.user.pk): 2000}) == [
        f"balance of user {alice.user.pk}: 10.00, should be 20.00",
        "1 balances are wrong",
    ]


def test_an_event_that_is_quarantined_is_seen(alice: Person) -> None:
    payment = pending_payment(alice.user)
    deliver(json.loads(paid(payment, amount=payment.amount + 1)))

    assert traffic.wrong_records({}) == ["1 events failed or were quarantined"]


def test_the_events_of_the_traffic_settle_and_refund(alice: Person) -> None:
    payment = pending_payment(alice.user)
    refunded = stripe_payloads.refunded(session_id=str(payment.session_id), amount=payment.amount)

    outcomes = [
        deliver(json.loads(event)).json()["outcome"]
        for event in (paid(payment, amount=payment.amount), refunded)
    ]

    assert outcomes == ["settled", "applied"]
    assert alice.balance() == "0.00"


def paid(payment: Any, *, amount: int) -> bytes:
    return stripe_payloads.paid(
        session_id=payment.session_id,
        payment_id=payment.pk,
        user_id=payment.user_id,
        amount=amount,
    )


def test_a_line_of_a_log_that_is_no_news_is_no_complaint(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text('{"event":"a","level":"info"}\n{"event": "b", "level": "info"}\n')

    assert traffic.complaints(log) == []

    log.write_text(log.read_text() + '{"event": "c", "level": "error"}\n')
    assert traffic.complaints(log) == [
        'server.log: 1 lines, such as {"event": "c", "level": "error"}'
    ]
