"""Logs are structured, carry a request id, and hold neither secrets nor personal data."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from django.conf import settings
from django.test import Client

from accounts import log_in_links
from accounts.tests.factories import Person
from gatewayz.http import logs
from gatewayz.http.access_log import pseudonym
from payments.tests.stripe_events import deliver, event, pending_payment, send


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """The lines that production would write."""
    logs.configure(as_json=True)
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logging.getLogger().handlers[0].formatter)
    logging.getLogger().addHandler(handler)
    yield written
    logging.getLogger().removeHandler(handler)
    logs.configure(as_json=False)


def test_a_request_is_one_json_line_with_an_id_and_the_user(
    lines: io.StringIO, alice: Person
) -> None:
    alice.api.get("/user/balance")

    [line] = lines.getvalue().splitlines()
    record = json.loads(line)
    assert (record["request"], record["code"]) == ("GET /user/balance", 200)
    assert record["user_id"] == alice.user.pk
    assert len(record["request_id"]) == 36


def test_requests_of_one_caller_are_known_as_such_without_their_address(
    lines: io.StringIO, db: None
) -> None:
    for address in ("203.0.113.7", "203.0.113.7", "203.0.113.8", "2001:db8::1", "2001:db8::2"):
        Client().post("/api/stripe/webhook", b"{}", "application/json", REMOTE_ADDR=address)

    text = lines.getvalue()
    records = [json.loads(line) for line in text.splitlines()]
    refusals = [record["caller"] for record in records if record["event"] == "webhook_refused"]
    requests = [record["caller"] for record in records if record["event"] == "request_finished"]
    first, again, other, sixth, of_same_subnet = requests
    assert (first, sixth) == (again, of_same_subnet)
    assert len({first, other, sixth}) == 3
    assert refusals == requests
    assert "203.0.113" not in text
    assert "2001:db8" not in text


def test_nobody_is_followed_by_the_log_from_one_day_to_the_next() -> None:
    morning, evening, tomorrow = (pseudonym("203.0.113.7", at=at) for at in (0, 86399, 86400))

    assert morning == evening != tomorrow


def test_an_error_does_not_log_the_link_that_led_to_it(
    lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_in_links, "lock_user_of", lambda token: 1 / 0)

    Client(raise_request_exception=False).get("/login/link?token=only-for-alice")

    assert "Internal Server Error: /login/link" in lines.getvalue()
    assert "only-for-alice" not in lines.getvalue()


def test_they_hold_no_key_email_or_webhook_secret(
    lines: io.StringIO, alice: Person, bob: Person
) -> None:
    deliver(event(pending_payment(bob.user)))
    deliver(event(pending_payment(bob.user), amount_total=7))
    send(b"{}", "t=1,v1=0")
    alice.api.get("/user/transactions?cursor=alice@example.com")
    Client().post(
        "/auth/register",
        {"username": "alice", "email": "alice@example.com", "auth_method": "email"},
        content_type="application/json",
    )

    text = lines.getvalue()
    assert "invalid_signature" in text
    assert "event_quarantined" in text
    for secret in (alice.api_key, "gw_live_", "@example.com", settings.STRIPE_WEBHOOK_SECRETS[0]):
        assert secret not in text


@pytest.mark.parametrize(
    "secret",
    [
        "gw_live_wJ9b2uYv0cQ4m1dXH7pK5sRtZ8eLfA3gN6iO_kBxUqE",
        "sk_live_51abcdefgh",
        "whsec_51abcdefgh",
        "alice@example.com",
        "4242 4242 4242 4242",
        "4242424242424242",
    ],
)
def test_they_blot_out_a_secret_in_a_traceback(lines: io.StringIO, secret: str) -> None:
    try:
        raise RuntimeError(f"could not use {secret}")
    except RuntimeError:
        structlog.get_logger("test").exception("failed", detail=f"with {secret}")

    assert secret not in lines.getvalue()
    assert "RuntimeError" in lines.getvalue()
