"""Webhook deliveries: signed, tried until a 2xx, once at a time, and steered on request."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Event as Signal
from threading import Thread
from typing import Any

import pytest
import stripe
import time_machine
from django.db import DatabaseError, connections
from django.utils import timezone

from payments.sandbox import deliveries
from payments.sandbox.deliveries import deliver_due
from payments.sandbox.models import CheckoutSession, Delivery, Event
from payments.sandbox.tests.conftest import curl, in_its_own_tables, submit
from payments.tests.fake_stripe import RecordingServer

pytestmark = in_its_own_tables

SECRET = "whsec_of_the_test"


@pytest.fixture(autouse=True)
def secret(settings: Any) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET, "whsec_older"]


@pytest.fixture
def paid(session: stripe.checkout.Session) -> stripe.checkout.Session:
    submit(session)
    return session


def in_seconds(seconds: float) -> datetime:
    return timezone.now() + timedelta(seconds=seconds)


def _type(body: bytes) -> str:
    return str(json.loads(body)["type"])


@pytest.mark.usefixtures("paid")
def test_it_sends_every_event_once_in_order_signed_as_the_sdk_expects(
    endpoint: RecordingServer,
) -> None:
    deliver_due(timezone.now())
    deliver_due(in_seconds(3600))

    assert [body.decode() for body in endpoint.bodies] == list(
        Event.objects.order_by("id").values_list("body", flat=True)
    )
    assert not Delivery.objects.exclude(status="delivered").exists()
    headers, body = endpoint.headers[-1], endpoint.bodies[-1]
    event = stripe.Webhook.construct_event(body, headers["Stripe-Signature"], SECRET)
    assert event.type == "checkout.session.completed"
    assert event.api_version == stripe.api_version
    assert event.pending_webhooks == 1
    assert headers["User-Agent"] == "Stripe/1.0 (+https://stripe.com/docs/webhooks)"
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, headers["Stripe-Signature"], "whsec_older")


@pytest.mark.usefixtures("paid")
def test_it_tries_again_until_a_2xx_and_signs_each_attempt_anew(endpoint: RecordingServer) -> None:
    """One that is refused does not hold up the others."""
    endpoint.statuses = [500, 200, 200, 200, 302, 404, 204]

    for seconds in (0, 0.5, 1.1, 1.5, 3.2, 7.3, 60):
        with time_machine.travel(in_seconds(seconds), tick=False):
            deliver_due(timezone.now())

    deliveries = Delivery.objects.order_by("id")
    assert list(deliveries.values_list("status", "attempts", "last_http_status")) == [
        ("delivered", 4, 204),
        *[("delivered", 1, 200)] * 3,
    ]
    tries = [0, 4, 5, 6]
    assert len(endpoint.bodies) == 7
    assert len({endpoint.bodies[one] for one in tries}) == 1
    assert len({endpoint.headers[one]["Stripe-Signature"] for one in tries}) == 4


@pytest.mark.usefixtures("paid")
def test_it_survives_an_endpoint_that_is_down_waits_longer_and_gives_up_after_three_days(
    settings: Any,
) -> None:
    settings.STRIPE_SANDBOX_WEBHOOK_URL = "http://127.0.0.1:9/hook"
    Delivery.objects.exclude(event__type="checkout.session.completed").delete()
    pauses, now = [], timezone.now()

    for _ in range(9):
        deliver_due(now)
        delivery = Delivery.objects.get()
        pauses.append((delivery.due_at - now).total_seconds())
        now = delivery.due_at
    deliver_due(timezone.now() + timedelta(days=3))

    assert (delivery.status, delivery.last_http_status) == ("pending", None)
    assert delivery.last_error == "ConnectionError"
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert Delivery.objects.get().status == "abandoned"


@pytest.mark.usefixtures("paid")
def test_many_workers_send_each_event_once(endpoint: RecordingServer) -> None:
    def work(_: int) -> int:
        try:
            return deliver_due(timezone.now())
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(4))) == 4

    assert len(endpoint.bodies) == len(set(endpoint.bodies)) == 4


@pytest.mark.usefixtures("session")
def test_a_round_expires_what_is_overdue(endpoint: RecordingServer) -> None:
    deliver_due(timezone.now() + timedelta(hours=23))
    assert CheckoutSession.objects.get().status == "open"

    deliver_due(timezone.now() + timedelta(hours=24))

    assert CheckoutSession.objects.get().status == "expired"
    assert [_type(body) for body in endpoint.bodies] == ["checkout.session.expired"]


@pytest.mark.usefixtures("paid")
def test_deliveries_wait_while_paused_and_go_again_and_in_any_order_on_request(
    sandbox: str, endpoint: RecordingServer
) -> None:
    first, *_, last = Event.objects.order_by("id")

    paused = curl(sandbox, "deliveries", paused="true").json()
    assert deliver_due(timezone.now()) == 0
    asked = [last, first, last]
    answers = [curl(sandbox, f"events/{sent.stripe_id}/redeliver").json() for sent in asked]

    assert paused == {"paused": True}
    assert [(answer["event"], answer["http_status"]) for answer in answers] == [
        (sent.stripe_id, 200) for sent in asked
    ]
    assert endpoint.bodies == [sent.body.encode() for sent in asked]
    curl(sandbox, "deliveries", paused="false")
    assert deliver_due(timezone.now()) == 2


@pytest.mark.usefixtures("paid")
def test_the_loop_goes_on_after_the_database_was_away(
    endpoint: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "ROUND_EVERY_SECONDS", 0.01)
    stopped, rounds = Signal(), []

    def flaky(now: datetime) -> int:
        rounds.append(now)
        if len(rounds) == 1:
            raise DatabaseError("the server is gone")
        sent = deliver_due(now)
        stopped.set()
        return sent

    monkeypatch.setattr(deliveries, "deliver_due", flaky)
    loop = Thread(target=deliveries.deliver_until, args=(stopped,))
    loop.start()
    loop.join(10)

    assert len(rounds) == 2
    assert len(endpoint.bodies) == 4
