"""Whatever Stripe does, the gateway returns our own types and errors, in time."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Timer
from typing import Any

import pytest
from django.conf import settings

from payments import stripe_gateway, views
from payments.stripe_gateway import API_VERSION, StripeUnavailableError, create_checkout_session
from payments.stripe_objects import CheckoutSession, UnexpectedObjectError, read_checkout_session
from payments.tests.fake_stripe import stripe_answers, stripe_holds, stripe_trickles

SESSION = {
    "id": "cs_test_1",
    "object": "checkout.session",
    "mode": "payment",
    "payment_status": "unpaid",
    "amount_total": 1000,
    "currency": "usd",
    "livemode": False,
    "payment_intent": None,
    "metadata": {"payment_id": "7", "user_id": "3"},
    "url": "https://checkout.stripe.com/c/pay/cs_test_1",
    "expires_at": 1900000000,
}


def ask(*, seconds: float = 10) -> CheckoutSession:
    return create_checkout_session(
        idempotency_key="key-7",
        payment_id=7,
        user_id=3,
        amount=1000,
        currency="usd",
        success_url="https://app.gatewayz.ai/payment/success",
        cancel_url="https://app.gatewayz.ai/payment/cancel",
        deadline=time.monotonic() + seconds,
    )


def test_it_sends_the_idempotency_key_and_returns_our_own_dataclass(settings: Any) -> None:
    with stripe_answers(settings, 200, json.dumps(SESSION).encode()) as stripe:
        session, again = ask(), ask()

    assert session == again
    assert (session.session_id, session.amount, session.currency) == ("cs_test_1", 1000, "usd")
    assert (session.user_id, session.payment_id, session.livemode) == ("3", "7", False)
    assert [sent["Idempotency-Key"] for sent in stripe.headers] == ["key-7", "key-7"]
    assert stripe.bodies[0] == stripe.bodies[1]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        *((200, body) for body in (b"<html>The hotel's network</html>", b"", b"[]", b"null")),
        *((200, body) for body in (b'"cs_test_1"', b"{}")),
        *((200, json.dumps(SESSION | {"id": odd}).encode()) for odd in (None, "../../etc")),
        (200, json.dumps(SESSION | {"amount_total": "1000"}).encode()),
        (200, json.dumps(SESSION | {"expires_at": 10**20}).encode()),
        (401, b'{"error": {"type": "invalid_request_error", "message": "Invalid API key"}}'),
        (403, b'{"error": {"message": "No permission"}}'),
        (409, b'{"error": {"type": "idempotency_error", "message": "In use"}}'),
        (429, b'{"error": {"type": "rate_limit_error", "message": "Slow down"}}'),
        (500, b'{"error": {"type": "api_error", "message": "Oh"}}'),
        (502, b"<html>Bad gateway</html>"),
        (503, b"upstream connect error"),
    ],
    ids=lambda part: part if isinstance(part, int) else part[:30].decode(),
)
def test_anything_else_means_that_stripe_is_unavailable(
    settings: Any, status: int, body: bytes
) -> None:
    with stripe_answers(settings, status, body), pytest.raises(StripeUnavailableError):
        ask()


def test_it_asks_once_more_when_stripe_fails_and_abandons_a_very_slow_answer(settings: Any) -> None:
    with stripe_answers(settings, 500, b"{}") as stripe, pytest.raises(StripeUnavailableError):
        ask()

    assert [sent["Idempotency-Key"] for sent in stripe.headers] == ["key-7"] * 2
    with stripe_trickles(settings), pytest.raises(StripeUnavailableError):
        ask(seconds=0.2)


def test_a_caller_gets_an_answer_within_fifteen_seconds() -> None:
    retries = stripe_gateway.RETRIES
    waiting = (retries + 1) * sum(stripe_gateway.TIMEOUT_SECONDS)

    # The SDK's own pauses between its attempts.
    pauses = sum(0.5 * 2**retry for retry in range(retries))

    lock_timeout = 3
    for_a_place = stripe_gateway.PLACE_SECONDS
    assert for_a_place + waiting + pauses < views.DEADLINE_SECONDS
    assert views.DEADLINE_SECONDS + lock_timeout < 15


def test_four_wait_for_stripe_and_the_fifth_is_refused_unless_it_answers_in_a_moment(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ThreadPoolExecutor() as pool, stripe_holds(settings, json.dumps(SESSION).encode()) as held:
        waiting = [pool.submit(ask) for _ in range(stripe_gateway.MOST_WAITING)]
        for _ in waiting:
            held.arrived.acquire()
        with pytest.raises(StripeUnavailableError) as refusal:
            ask()
        monkeypatch.setattr(stripe_gateway, "PLACE_SECONDS", 10)
        soon = Timer(0.1, held.may_answer.set)
        soon.start()
        sessions = [ask().session_id, *(answer.result().session_id for answer in waiting)]
        soon.join()

    assert str(refusal.value.__cause__) == "4 requests already wait"
    assert sessions == ["cs_test_1"] * 5


def test_a_payment_intent_may_come_by_id_or_whole() -> None:
    by_id = read_checkout_session(SESSION | {"payment_intent": "pi_1"})
    whole = read_checkout_session(SESSION | {"payment_intent": {"id": "pi_1"}})

    assert by_id == whole
    assert by_id.payment_intent_id == "pi_1"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("id", odd) for odd in (1, "cs test", "cs_\u0661")),
        ("mode", None),
        *(("amount_total", odd) for odd in (10.0, True, None)),
        ("livemode", "false"),
        *(("expires_at", odd) for odd in (float("nan"), -(10**20))),
        ("payment_intent", "pi\x00"),
        ("metadata", ["user_id"]),
    ],
)
def test_a_field_of_another_kind_is_named(field: str, value: object) -> None:
    with pytest.raises(UnexpectedObjectError, match="checkout session"):
        read_checkout_session(SESSION | {field: value})


def test_the_operators_guide_names_the_version_that_the_webhook_has_to_send() -> None:
    assert f"`{API_VERSION}`" in (settings.BASE_DIR / "docs/production.md").read_text()
