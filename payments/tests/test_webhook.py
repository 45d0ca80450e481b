"""The webhook accepts what Stripe has signed recently, and nothing else."""

import hmac
import json
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.tests.factories import Person
from payments.models import StripeEvent
from payments.tests.stripe_events import (
    WEBHOOK_PATH,
    deliver,
    envelope,
    event,
    pending_payment,
    send,
    signed,
)
from payments.webhook import MAX_BODY_BYTES

BODY = json.dumps(envelope("customer.created", {})).encode()
NESTED = b"[" * 50_000


def sign_bytes(body: bytes) -> str:
    """Sign bytes that are not text, as anybody with our secret could."""
    now = int(time.time())
    secret = django_settings.STRIPE_WEBHOOK_SECRETS[0].encode()
    return f"t={now},v1={hmac.new(secret, b'%d.%s' % (now, body), sha256).hexdigest()}"


def outcome_of(response: Any) -> tuple[int, str]:
    """Return the status of the response, and its outcome or error code."""
    answer = response.json()
    return response.status_code, answer.get("outcome") or answer["code"]


def large_body(size: int) -> bytes:
    """Return an event of exactly `size` bytes."""
    body = json.dumps(envelope("customer.created", {"name": ""})).encode()
    return body.replace(b'"name": ""', b'"name": "%s"' % (b"x" * (size - len(body))))


BAD_SIGNATURES: dict[str, Callable[[str], str]] = {
    "empty": lambda header: "",
    "garbage": lambda header: "garbage",
    "separators": lambda header: ",,==,=,",
    "as v0 only": lambda header: header.replace("v1=", "v0="),
    "without a time": lambda header: header.partition(",")[2],
    "a time that is no number": lambda header: header.replace("t=", "t=x"),
    "a later time": lambda header: header.replace("t=", "t=1"),
    "not ASCII": lambda header: header.replace("v1=", "v1=\xe9"),
    "the first letter only": lambda header: header[: header.index("v1=") + 4],
}


def by(secret: str) -> Callable[[str], str]:
    return lambda header: signed(BODY, secret=secret)


def away(seconds: int) -> Callable[[str], str]:
    """Sign it so many seconds later than now."""
    return lambda header: signed(BODY, timestamp=int(time.time()) + seconds)


SECRETS = ["whsec_the_new_one", "whsec_the_old_one"]
BAD = {
    **BAD_SIGNATURES,
    **{f"by {secret!r}": by(secret) for secret in ("whsec_the_oldest_one", "", " ")},
    **{f"{seconds} seconds away": away(seconds) for seconds in (-301, -86_400, 302, 86_400)},
    "of another body": lambda header: signed(BODY.replace(b"customer", b"charge")),
}
GOOD: dict[str, Callable[[str], str]] = {
    **{secret: by(secret) for secret in SECRETS},  # during a rotation either is good
    **{f"{seconds} seconds away": away(seconds) for seconds in (-295, 295)},
    "one of several": lambda header: header.replace(",v1=", f",v1={'0' * 64},v0=abc,v1="),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_signature_is_refused(db: None, settings: Any, name: str) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = SECRETS

    response = send(BODY, BAD[name](signed(BODY)))

    assert outcome_of(response) == (400, "invalid_signature")
    assert not StripeEvent.objects.exists()


@pytest.mark.parametrize("name", GOOD)
def test_a_good_signature_is_accepted(db: None, settings: Any, name: str) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = SECRETS

    assert outcome_of(send(BODY, GOOD[name](signed(BODY)))) == (200, "ignored")
    assert StripeEvent.objects.exists()


def test_a_missing_signature_header_is_refused_without_details(db: None) -> None:
    response = Client().post(WEBHOOK_PATH, data=BODY, content_type="application/json")

    assert response.status_code == 400
    assert response.json() == {"detail": "Invalid signature.", "code": "invalid_signature"}


@pytest.mark.parametrize("configured", [[], [""], [" "], ["", ""]], ids=str)
def test_without_a_secret_no_signature_is_good(
    db: None, settings: Any, configured: list[str]
) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = configured

    for secret in ("", " "):
        assert outcome_of(send(BODY, signed(BODY, secret=secret))) == (400, "invalid_signature")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not JSON",
        b"{",
        b"[]",
        b'[{"id": "evt_1", "type": "customer.created"}]',
        b"42",
        b"null",
        b"true",
        b'"evt_1"',
        b"{}",
        NESTED,
        NESTED + b"]" * 50_000,
        b'{"id": "evt_1", "type": "customer.created", "data": ' + NESTED + b"]" * 50_000 + b"}",
        b'{"type": "customer.created"}',
        b'{"id": null, "type": "customer.created"}',
        b'{"id": "", "type": "customer.created"}',
        b'{"id": 1, "type": "customer.created"}',
        b'{"id": ["evt_1"], "type": "customer.created"}',
        b'{"id": "evt_1\\u0000", "type": "customer.created"}',
        b'{"id": "\\ud800", "type": "customer.created"}',
        b'{"id": "%s", "type": "customer.created"}' % (b"e" * 256),
        b'{"id": "evt_1"}',
        b'{"id": "evt_1", "type": 1}',
        b'{"id": "evt_1", "type": "customer.created", "n": %s}' % (b"9" * 5000),
    ],
    ids=lambda body: body[:45].decode(),
)
def test_a_signed_body_that_is_not_an_event_is_refused(db: None, body: bytes) -> None:
    assert outcome_of(send(body)) == (400, "not_an_event")
    assert not StripeEvent.objects.exists()


def test_a_body_that_is_not_utf_8_is_refused_even_if_signed(db: None) -> None:
    body = BODY.replace(b"customer", b"c\xff\xfestomer")

    assert send(body, sign_bytes(body)).status_code == 400
    assert not StripeEvent.objects.exists()


def test_a_body_above_the_limit_is_refused_before_its_signature_is_checked(db: None) -> None:
    body = large_body(MAX_BODY_BYTES + 1)

    answers = {outcome_of(send(body, header)) for header in (signed(body), "garbage", "")}

    assert MAX_BODY_BYTES == 256 * 1024
    assert answers == {(413, "body_too_large")}
    assert not StripeEvent.objects.exists()
    assert outcome_of(send(large_body(MAX_BODY_BYTES))) == (200, "ignored")


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "head", "options"])
def test_other_methods_are_not_allowed(db: None, method: str) -> None:
    assert getattr(Client(), method)(WEBHOOK_PATH).status_code == 405


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        (f"{WEBHOOK_PATH}/", "application/json"),
        (WEBHOOK_PATH, "text/plain"),
        (WEBHOOK_PATH, "application/x-www-form-urlencoded"),
        (WEBHOOK_PATH, "x"),
    ],
)
def test_neither_a_slash_at_the_end_nor_the_content_type_matters(
    db: None, path: str, content_type: str
) -> None:
    headers = {"Stripe-Signature": signed(BODY)}

    response = Client().post(path, data=BODY, content_type=content_type, headers=headers)

    assert outcome_of(response) == (200, "ignored")


def test_it_answers_with_the_outcome_and_takes_fourteen_queries_and_for_a_forgery_none(
    bob: Person, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    paid = event(pending_payment(bob.user))
    body = json.dumps(paid).encode()
    forged = signed(body, secret="whsec_a_guess_of_mine")

    with django_assert_max_num_queries(0):
        assert send(body, forged).status_code == 400
    with django_assert_max_num_queries(14):
        response = deliver(paid)

    assert (response.status_code, response.json()) == (
        200,
        {
            "received": True,
            "event_id": paid["id"],
            "event_type": "checkout.session.completed",
            "outcome": "settled",
        },
    )
    assert bob.balance() == "20.00"
