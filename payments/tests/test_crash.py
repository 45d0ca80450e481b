"""A settlement that is broken off, by SIGKILL or by an error, leaves nothing or everything."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from django.conf import settings
from django.db import connection

from accounts.models import LedgerEntry
from accounts.tests.factories import Person
from payments.models import Payment, StripeEvent
from payments.tests.at_once import another_transaction, in_background, refusing, wait_until_blocked
from payments.tests.dying_server import DIES_BEFORE_THE_ANSWER
from payments.tests.stripe_events import (
    WEBHOOK_PATH,
    deliver,
    event,
    pending_payment,
    signed,
)
from referrals.models import Referral

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass(frozen=True)
class Server:
    """The program in a process of its own, on the database of the test."""

    process: subprocess.Popen[str]
    address: str

    def deliver(self, event: Mapping[str, Any]) -> requests.Response:
        body = json.dumps(event).encode()
        headers = {"Content-Type": "application/json", "Stripe-Signature": signed(body)}
        return requests.post(self.address + WEBHOOK_PATH, body, headers=headers, timeout=10)


@contextmanager
def serving(*arguments: str) -> Iterator[Server]:
    database = urlsplit(os.environ["DATABASE_URL"])
    address = database._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    process = subprocess.Popen(
        [sys.executable, "-m", "payments.tests.dying_server", *arguments],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": address},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        try:
            assert process.stdout
            yield Server(process, f"http://127.0.0.1:{process.stdout.readline().strip()}")
        finally:
            process.kill()


def assert_nothing_is_there() -> None:
    assert not LedgerEntry.objects.exists()
    assert not Referral.objects.exists()
    assert Payment.objects.get().status == "pending"
    assert StripeEvent.objects.get().processed_at is None


def test_killed_before_the_answer_it_has_done_everything(alice: Person, bob: Person) -> None:
    paid = event(pending_payment(bob.user, 1000))

    with serving(DIES_BEFORE_THE_ANSWER) as server, pytest.raises(requests.ConnectionError):
        server.deliver(paid)
    before = (alice.balance(), bob.balance())
    redelivered = deliver(paid)

    assert before == ("10.00", "20.00")
    assert (redelivered.status_code, redelivered.json()["outcome"]) == (200, "settled")
    assert (alice.balance(), bob.balance()) == before
    assert StripeEvent.objects.get().attempts == 1


@pytest.mark.parametrize("table", ["ledger_entries", "referrals", "payments"])
def test_killed_within_the_settlement_it_has_done_nothing(
    alice: Person, bob: Person, table: str
) -> None:
    """The lock lets the settlement come as far as its first change of the table."""
    paid = event(pending_payment(bob.user, 1000))

    with (
        serving() as server,
        another_transaction(f"LOCK TABLE {table} IN SHARE MODE"),
        in_background(partial(server.deliver, paid)) as delivery,
    ):
        wait_until_blocked()
        server.process.kill()
        assert isinstance(delivery.exception(), requests.ConnectionError)
        assert_nothing_is_there()
    redelivered = deliver(paid)

    assert redelivered.json()["outcome"] == "settled"
    assert (alice.balance(), bob.balance()) == ("10.00", "20.00")


@pytest.mark.parametrize(
    ("sqlstate", "status"),
    [("P0001", 500), ("23514", 500), ("53100", 503)],
    ids=["an error nobody knows", "a constraint", "a full disk"],
)
@pytest.mark.parametrize("table", ["ledger_entries", "referrals", "payments"])
def test_a_failing_settlement_is_noted_and_settles_later(
    alice: Person, bob: Person, table: str, sqlstate: str, status: int
) -> None:
    paid = event(pending_payment(bob.user, 1000))

    with refusing(table, sqlstate=sqlstate):
        statuses = [deliver(paid).status_code for _ in range(2)]
    assert_nothing_is_there()
    noted = StripeEvent.objects.get()
    redelivered = deliver(paid)

    assert statuses == [status] * 2
    assert (noted.outcome, noted.attempts) == ("failed", 2)
    assert "refused by the test" in noted.last_error
    assert redelivered.json()["outcome"] == "settled"
    assert (alice.balance(), bob.balance()) == ("10.00", "20.00")


def test_a_settled_event_forgets_its_errors(bob: Person) -> None:
    paid = event(pending_payment(bob.user, 1000))

    with refusing("payments", sqlstate="P0001"):
        deliver(paid)
    deliver(paid)

    stored = StripeEvent.objects.get()
    assert (stored.outcome, stored.attempts, stored.last_error) == ("settled", 2, "")
    assert stored.processed_at


def test_an_event_that_cannot_be_stored_is_not_worked_on(bob: Person) -> None:
    paid = event(pending_payment(bob.user, 1000))

    with refusing("stripe_events", sqlstate="53100"):
        refused = deliver(paid)
    stored = StripeEvent.objects.exists()
    redelivered = deliver(paid)

    assert (refused.status_code, stored) == (503, False)
    assert redelivered.json()["outcome"] == "settled"


def test_an_event_that_cannot_be_stamped_has_settled_nothing(bob: Person) -> None:
    """The failure cannot be noted either; the answer says it all the same."""
    paid = event(pending_payment(bob.user, 1000))

    with refusing("stripe_events", sqlstate="53100", changes="UPDATE"):
        refused = deliver(paid)
    assert_nothing_is_there()
    redelivered = deliver(paid)

    assert refused.status_code == 503
    assert redelivered.json()["outcome"] == "settled"
