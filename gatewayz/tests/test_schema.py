"""The OpenAPI document tells the truth: what each endpoint answers has the shape that it says."""

import json
from functools import partial
from typing import Any

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator
from rest_framework.test import APIClient

from accounts.tests.factories import Person
from gatewayz.api import schema as made_once
from payments.tests.at_once import at_once
from payments.tests.stripe_events import deliver, event, pending_payment, settle


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    document: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    plain: dict[str, Any] = json.loads(json.dumps(document, default=str))
    return plain


def content(schema: dict[str, Any], path: str, method: str, status: int) -> dict[str, Any]:
    """Return what the document says of the body of this answer."""
    media: dict[str, Any] = schema["paths"][path][method]["responses"][str(status)]["content"]
    body: dict[str, Any] = media["application/json"]
    return body


def check_shape(schema: dict[str, Any], where: dict[str, Any], body: Any) -> None:
    document = {**where["schema"], "components": schema["components"]}
    Draft202012Validator(document).validate(body)


def operations(schema: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]


CONTRACT = {
    ("post", "/auth/register"),
    ("get", "/referral/code"),
    ("post", "/referral/generate"),
    ("post", "/referral/validate"),
    ("post", "/referral/claim"),
    ("get", "/referral/stats"),
    ("get", "/referral/explain"),
    ("get", "/referral/leaderboard"),
    ("get", "/user/preferences"),
    ("patch", "/user/preferences"),
    ("post", "/api/stripe/checkout-session"),
    ("get", "/api/stripe/checkout-session/{session_id}"),
    ("get", "/api/stripe/payments"),
    ("post", "/api/stripe/webhook"),
    ("get", "/user/balance"),
    ("get", "/user/transactions"),
    ("get", "/user/transactions/{id}/proof"),
    ("post", "/user/tokens"),
    ("get", "/user/export"),
    ("post", "/user/erase"),
    ("get", "/user/api-keys"),
    ("post", "/user/api-keys"),
    ("delete", "/user/api-keys/{id}"),
    ("get", "/healthz"),
    ("get", "/readyz"),
}


def test_it_is_valid_openapi(schema: dict[str, Any]) -> None:
    validate_schema(schema)

    assert schema["openapi"].startswith("3.1")


def test_it_describes_every_endpoint_of_the_contract(schema: dict[str, Any]) -> None:
    assert {(method, path) for path, method, _ in operations(schema)} == CONTRACT


def test_every_example_has_the_shape_that_it_illustrates(schema: dict[str, Any]) -> None:
    checked = 0
    for _, _, operation in operations(schema):
        bodies = [*operation["responses"].values(), operation.get("requestBody", {})]
        for where in (body["content"]["application/json"] for body in bodies if "content" in body):
            named = where.get("examples", {}).values()
            for example in [*(example["value"] for example in named), where.get("example")]:
                if example is not None:
                    check_shape(schema, where, example)
                    checked += 1

    assert checked > 60


def test_every_endpoint_has_a_summary_and_an_example_of_success(schema: dict[str, Any]) -> None:
    for path, method, operation in operations(schema):
        good = next(r for code, r in operation["responses"].items() if code < "300")

        assert operation["summary"], (method, path)
        if "content" in good:
            assert good["content"]["application/json"].get("examples"), (method, path)


def test_every_endpoint_with_a_limit_documents_its_refusal(schema: dict[str, Any]) -> None:
    limited = {path for path, _, operation in operations(schema) if "429" in operation["responses"]}

    assert {path for _, path in CONTRACT} - limited == {
        "/healthz",
        "/readyz",
        "/api/stripe/webhook",
    }
    refusal = schema["paths"]["/auth/register"]["post"]["responses"]["429"]
    assert "Retry-After" in refusal["headers"]


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_read_answers_as_documented_with_and_without_a_slash(
    schema: dict[str, Any], alice: Person, bob: Person, slash: str
) -> None:
    settle(bob.user)

    reads = [
        path
        for path, method, _ in operations(schema)
        if method == "get" and "{" not in path and path != "/user/export"  # which is a stream
    ]
    assert len(reads) > 10
    for path in reads:
        response = alice.api.get(path + slash)

        assert response.status_code == 200, path
        check_shape(schema, content(schema, path, "get", 200), response.json())


def test_what_is_made_is_answered_as_documented(
    schema: dict[str, Any], charlie: Person, sandbox: str
) -> None:
    checkout, person = "/api/stripe/checkout-session", {"username": "dora", "auth_method": "github"}
    wanted = person | {"email": "dora@example.com"}

    registered = APIClient().post("/auth/register", wanted, format="json")
    made = charlie.api.post(checkout, {"amount": 1000, "currency": "usd"}, format="json")
    read = charlie.api.get(f"{checkout}/{made.json()['session_id']}")
    received = deliver(event(pending_payment(charlie.user)))

    for path, status, answer, fields in (
        ("/auth/register", 201, registered, REGISTERED),
        (checkout, 201, made, read.json().keys()),
        ("/api/stripe/webhook", 200, received, RECEIVED),
    ):
        assert answer.status_code == status
        check_shape(schema, content(schema, path, "post", status), answer.json())
        assert answer.json().keys() == fields
    assert (made.json(), made.json()["status"]) == (read.json(), "pending")


REGISTERED = {
    *("user_id", "username", "email", "auth_method", "api_key", "credits", "referral_code"),
    *("referred_by_code", "referral", "message", "timestamp"),
}
RECEIVED = {"received", "event_id", "event_type", "outcome"}
ERRORS: list[tuple[str, str, Any, int]] = [
    ("post", "/auth/register", {}, 400),
    ("get", "/user/balance", None, 401),
    ("put", "/user/balance", None, 401),
    ("get", "/auth/register", None, 405),
    ("post", "/referral/validate", {}, 400),
    ("post", "/api/stripe/webhook", {}, 400),
    ("get", "/api/no/such/thing", None, 404),
    ("get", "/user", None, 404),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), ERRORS)
def test_every_error_has_the_one_shape(
    schema: dict[str, Any], db: None, method: str, path: str, body: Any, status: int
) -> None:
    response = getattr(Client(), method)(path, body, content_type="application/json")

    assert response.status_code == status
    error = {"schema": {"$ref": "#/components/schemas/Error"}}
    check_shape(schema, error, response.json())
    assert ("errors" in response.json()) is (status == 400 and "stripe" not in path)


BODIES: list[tuple[bytes, int, str]] = [
    *((body, 400, "parse_error") for body in (b"[" * 50_000, b"{", b"\xff", b"1" * 5000)),
    (b'{"a": NaN}', 400, "parse_error"),
    (b'{"username": "%s"}' % (b"a" * 70_000), 413, "body_too_large"),
]


@pytest.mark.parametrize(("body", "status", "code"), BODIES)
def test_a_body_that_is_not_sound_json_or_too_large_is_refused(
    db: None, body: bytes, status: int, code: str
) -> None:
    response = Client().post("/auth/register", body, content_type="application/json")
    unread = Client().post("/auth/register", {"username": "alice"})

    assert (response.status_code, response.json()["code"]) == (status, code)
    assert unread.status_code == 415


@pytest.mark.django_db(transaction=True)
def test_eight_who_ask_first_at_once_get_the_document() -> None:
    made_once._document.cache_clear()

    answers = at_once(*[partial(APIClient().get, "/api/schema")] * 8)

    assert {answer.status_code for answer in answers} == {200}
    assert {answer.content for answer in answers} == {answers[0].content}
