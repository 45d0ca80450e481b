"""A page on a listed origin may call the API; no other page may, and nothing else may be called."""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from django.db import OperationalError
from django.test import Client

from accounts import prepared
from accounts.tests.factories import Person
from gatewayz import environment

FRIEND, STRANGER = "https://app.example.com", "https://evil.example.com"


@pytest.fixture(autouse=True)
def allowed(settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = [FRIEND]


def preflight(path: str, origin: str = FRIEND) -> Any:
    asks = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
    }
    return Client().options(path, headers=asks)


def call(origin: str = FRIEND, key: str = "", path: str = "/user/balance") -> Any:
    return Client().get(path, headers={"Origin": origin, "Authorization": f"Bearer {key}"})


def test_a_preflight_allows_what_a_front_end_sends(db: None) -> None:
    answer = preflight("/api/stripe/checkout-session")

    assert answer.status_code == 200
    assert answer["Access-Control-Allow-Origin"] == FRIEND
    allowed = answer["Access-Control-Allow-Headers"].split(", ")
    assert allowed == ["authorization", "content-type", "idempotency-key"]
    assert answer["Access-Control-Allow-Methods"] == "GET, POST, PATCH, DELETE"
    assert "Access-Control-Allow-Credentials" not in answer


def test_an_answer_names_the_origin(alice: Person) -> None:
    answer = call(key=alice.api_key)

    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (200, FRIEND)
    assert answer["Access-Control-Expose-Headers"] == "Retry-After, WWW-Authenticate"
    assert "Access-Control-Allow-Credentials" not in answer


@pytest.mark.parametrize("origin", [STRANGER, "null", "https://app.example.com.evil.example", "x"])
def test_no_other_origin_is_named(alice: Person, origin: str) -> None:
    answers = [preflight("/user/balance", origin), call(origin, alice.api_key)]

    assert ["Access-Control-Allow-Origin" in answer for answer in answers] == [False, False]


def too_often(alice: Person, settings: Any) -> Any:
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"api": environment.rate("X", default="1/hour")}
    call(key=alice.api_key)
    return call(key=alice.api_key)


def without_a_database(alice: Person, settings: Any) -> Any:
    with patch.object(prepared, "fetch", side_effect=OperationalError):
        return call(key=alice.api_key)


def in_chunks(alice: Person, settings: Any) -> Any:
    return Client().post("/auth/register", headers={"Origin": FRIEND, "Transfer-Encoding": "x"})


def too_large(alice: Person, settings: Any) -> Any:
    return Client().post(
        "/auth/register", b"x" * 70_000, "application/json", headers={"Origin": FRIEND}
    )


def over_plain_http(alice: Person, settings: Any) -> Any:
    settings.SECURE_SSL_REDIRECT = True
    return call()


@pytest.mark.parametrize(
    ("ask", "status"),
    [
        (lambda alice, settings: call(), 401),
        (over_plain_http, 403),
        (lambda alice, settings: call(path="/api/no/such/thing"), 404),
        (in_chunks, 411),
        (too_large, 413),
        (too_often, 429),
        (without_a_database, 503),
    ],
)
def test_a_page_can_read_a_refusal(
    alice: Person, settings: Any, ask: Callable[..., Any], status: int
) -> None:
    answer = ask(alice, settings)

    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (status, FRIEND)


@pytest.mark.parametrize("path", ["/", "/admin/login/", "/api/docs", "/api/stripe/webhook"])
def test_only_the_api_names_origins(db: None, path: str) -> None:
    answers = [preflight(path), call(path=path)]

    assert ["Access-Control-Allow-Origin" in answer for answer in answers] == [False, False]


@pytest.mark.parametrize("headers", [{}, {"Origin": FRIEND}, {"Origin": STRANGER}])
def test_caches_keep_an_answer_for_its_origin_alone(db: None, headers: dict[str, str]) -> None:
    assert Client().get("/api/schema", headers=headers)["Vary"].lower().endswith("origin")
