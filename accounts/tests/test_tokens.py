"""A token for a browser ends soon, does little, and ends with its key and its person."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts import api_keys, tokens
from accounts.models import ApiKey
from accounts.tests.factories import Person, api_with
from accounts.tokens import Scope
from gatewayz.benchmarks.endpoints import routes
from gatewayz.http import logs
from payments.tests.stripe_events import refer

# What a token of each scope is good for.
STATS = {"GET referral/code"}
READ = STATS | {
    "GET user/balance",
    "GET user/transactions",
    "GET referral/stats",
    "GET referral/explain",
    "GET referral/leaderboard",
    "GET api/stripe/payments",
    r"GET ^api/stripe/checkout-session/(?P<session_id>[A-Za-z0-9_]{1,255})\Z",
}
CHECKOUT = READ | {"POST api/stripe/checkout-session"}
INSUFFICIENT = (403, "insufficient_scope")
WITH_A_KEY = [
    route for route in routes() if re.match(r"\w+ \^?(api/stripe/[cp]|user/|referral/)", route)
]


def made(person: Person, scope: str = "read") -> str:
    answer = person.api.post("/user/tokens", {"scope": scope}, format="json")
    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
    token: str = answer.json()["token"]
    return token


def status(token: str, path: str = "/user/balance") -> int:
    code: int = api_with(token).get(path).status_code
    return code


def ask(client: APIClient, route: str) -> Any:
    method, _, pattern = route.partition(" ")
    path = re.sub(r"\(.*\)|<int:pk>", "1", pattern).strip("^").removesuffix(r"\Z")
    return client.generic(method, f"/{path}", "{}", content_type="application/json")


def is_refused(token: str, route: str) -> bool:
    answer = ask(api_with(token), route)
    return (answer.status_code, answer.json().get("code")) == INSUFFICIENT


@pytest.mark.parametrize(
    ("scope", "good_for"), [("stats", STATS), ("read", READ), ("checkout", CHECKOUT)]
)
def test_it_is_good_for_these_calls_and_refused_at_all_others(
    alice: Person, scope: str, good_for: set[str]
) -> None:
    token = made(alice, scope)

    assert {route for route in WITH_A_KEY if not is_refused(token, route)} == good_for


def test_each_of_them_needs_a_key(db: None) -> None:
    answers = {route: ask(APIClient(), route).status_code for route in WITH_A_KEY}

    assert [route for route, code in answers.items() if code != 401] == ["POST referral/validate"]


def test_it_reads_what_the_key_reads_in_as_many_queries(
    alice: Person, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    refer(alice, 2)
    ApiKey.objects.update(last_used_at=timezone.now())
    clients = [api_with(text) for text in (alice.api_key, made(alice))]

    for path, queries in [("code", 1), ("stats", 2)]:
        answers = []
        for client in clients:
            with django_assert_num_queries(queries):
                answers.append(client.get(f"/referral/{path}").json())
        assert answers[0] == answers[1]


@pytest.mark.parametrize(("seconds", "expected"), [(899, 200), (901, 401)])
def test_it_ends_after_fifteen_minutes(alice: Person, seconds: int, expected: int) -> None:
    token = made(alice)

    with time_machine.travel(timezone.now() + timedelta(seconds=seconds)):
        assert status(token) == expected


def test_it_ends_with_the_key_that_made_it_and_with_its_person(alice: Person) -> None:
    other, _ = api_keys.create(user=alice.user, name="laptop", now=timezone.now())
    by_other = tokens.create(alice.user, Scope.READ, key_id=other.pk)
    in_a_session, by_key = tokens.create(alice.user, Scope.READ), made(alice)

    alice.user.api_keys.exclude(pk=other.pk).update(revoked_at=timezone.now())

    assert [status(token) for token in (by_key, by_other, in_a_session)] == [401, 200, 200]
    alice.change(is_active=False)
    assert [status(token) for token in (by_other, in_a_session)] == [401, 401]


def changed(token: str) -> list[str]:
    """Return what somebody may try to make of it."""
    _, user, key, when, signature = token.split(".")
    parts = ["read", user, key, when, signature]
    other = {0: "checkout", 1: "1", 2: "0", 3: "zzzzzz", 4: signature[::-1]}
    forged = [
        tokens.PREFIX + ".".join([*parts[:place], part, *parts[place + 1 :]])
        for place, part in other.items()
    ]
    return [*forged, token[:-1], f"{token}\n", token.replace("gw_temp", "gw_live"), tokens.PREFIX]


def test_a_forged_one_is_a_wrong_key(alice: Person) -> None:
    right = api_with("no").get("/user/balance").json()

    for forged in changed(made(alice)):
        answer = APIClient().get("/user/balance", headers={"Authorization": f"Bearer {forged}"})
        assert (answer.status_code, answer.json()) == (401, right), forged


@pytest.mark.parametrize(("fallbacks", "expected"), [(True, 200), (False, 401)])
def test_it_is_signed_with_the_secret_that_keys_have(
    alice: Person, settings: Any, fallbacks: bool, expected: int
) -> None:
    token = tokens.create(alice.user, Scope.READ)

    earlier = [settings.SECRET_KEY] if fallbacks else []
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another key", earlier

    assert status(token) == expected


def test_the_log_keeps_none(alice: Person) -> None:
    assert logs.redact(None, "", f"GET /x?{made(alice)} yes") == "GET /x?[redacted] yes"
