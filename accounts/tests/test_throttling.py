"""Who asks too often is told to wait, by the door, and nobody else is."""

import io
import logging
from collections import Counter
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
import time_machine
from django.db import OperationalError, connection
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts import api_keys
from accounts.models import User
from accounts.tests.factories import Person, api_with
from payments.tests.at_once import at_once

NOW = datetime(2026, 3, 16, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WRONG_KEY = f"gw_live_{'x' * 43}"


@pytest.fixture(autouse=True)
def noon() -> Any:
    """The clock moves only when a test says so."""
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def limit(settings: Any) -> Any:
    """Limit something to so many a minute."""

    def set_limit(**most: int) -> None:
        settings.RATE_LIMITS = settings.RATE_LIMITS | {
            what: (number, MINUTE) for what, number in most.items()
        }

    return set_limit


def register(n: int = 0, **meta: Any) -> Any:
    body = {"username": f"dora{n}", "email": f"dora{n}@example.com", "auth_method": "email"}
    return APIClient().post("/auth/register", body, format="json", **meta)


def validate(**meta: Any) -> Any:
    body = {"referral_code": "ABC12345"}
    return APIClient().post("/referral/validate", body, format="json", **meta)


def ask_with(key: str, **meta: Any) -> Any:
    return api_with(key).get("/user/balance", **meta)


def statuses(answers: list[Any]) -> list[int]:
    return [answer.status_code for answer in answers]


def test_registrations_from_one_address_are_limited(db: None, limit: Any) -> None:
    limit(register=2)

    answers = [register(n) for n in range(3)]

    assert statuses(answers) == [201, 201, 429]
    assert User.objects.count() == 2


def test_a_refused_registration_counts_too(db: None, limit: Any) -> None:
    limit(register=1)

    answers = [APIClient().post("/auth/register", {}, format="json") for _ in range(2)]

    assert statuses(answers) == [400, 429]


def test_validations_from_one_address_are_limited(db: None, limit: Any) -> None:
    limit(validate=2)

    answers = [validate() for _ in range(3)]

    assert statuses(answers) == [200, 200, 429]


def test_the_refusal_has_the_one_shape_and_says_when_to_come_back(
    db: None, limit: Any, noon: Any
) -> None:
    limit(validate=1)
    validate()
    noon.shift(42.5)

    refused = validate()

    assert refused["Retry-After"] == "18"
    assert refused.json() == {
        "detail": "Too many requests. Try again in 18 s.",
        "code": "too_many_requests",
    }


def test_the_wait_is_never_less_than_a_second(db: None, limit: Any, noon: Any) -> None:
    limit(validate=1)
    validate()
    noon.shift(59.999)

    assert validate()["Retry-After"] == "1"


def test_who_has_waited_as_told_is_let_through(db: None, limit: Any, noon: Any) -> None:
    limit(validate=1)
    validate()
    wait = int(validate()["Retry-After"])

    noon.shift(wait)

    assert validate().status_code == 200


def test_another_address_is_not_refused(db: None, limit: Any) -> None:
    limit(validate=1)

    answers = [validate(REMOTE_ADDR=address) for address in ("192.0.2.1", "192.0.2.2")]

    assert statuses(answers) == [200, 200]


def test_all_of_an_ipv6_network_share_a_limit(db: None, limit: Any) -> None:
    limit(validate=1)

    answers = [validate(REMOTE_ADDR=f"2001:db8::{n}") for n in (1, 2)]

    assert statuses(answers) == [200, 429]


@pytest.mark.parametrize("proxies", [[], ["10.0.0.7"]])
def test_a_forged_header_is_no_way_around_a_limit(
    db: None, limit: Any, settings: Any, proxies: list[str]
) -> None:
    limit(validate=1)
    settings.TRUSTED_PROXIES = [ip_network(proxy) for proxy in proxies]
    peer = proxies[0] if proxies else "203.0.113.9"

    answers = [
        validate(REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=f"192.0.2.{n}, 203.0.113.9")
        for n in range(3)
    ]

    assert statuses(answers) == [200, 429, 429]


def test_behind_a_trusted_proxy_each_caller_has_a_limit(
    db: None, limit: Any, settings: Any
) -> None:
    limit(validate=1)
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.7")]

    answers = [
        validate(REMOTE_ADDR="10.0.0.7", HTTP_X_FORWARDED_FOR=f"192.0.2.{n}") for n in (1, 2, 1)
    ]

    assert statuses(answers) == [200, 200, 429]


def test_calls_with_one_key_are_limited_wherever_they_come_from(alice: Person, limit: Any) -> None:
    limit(api=2)

    answers = [ask_with(alice.api_key, REMOTE_ADDR=f"192.0.2.{n}") for n in range(3)]

    assert statuses(answers) == [200, 200, 429]


def test_one_limit_holds_for_all_that_a_key_calls(alice: Person, limit: Any) -> None:
    limit(api=2)

    paths = ("/user/balance", "/referral/stats", "/user/api-keys")
    answers = [alice.api.get(path) for path in paths]

    assert statuses(answers) == [200, 200, 429]


def test_another_key_at_the_same_address_is_not_refused(
    alice: Person, charlie: Person, limit: Any
) -> None:
    limit(api=1)

    answers = [ask_with(person.api_key) for person in (alice, charlie)]

    assert statuses(answers) == [200, 200]


def test_another_key_of_the_same_person_has_a_limit_of_its_own(alice: Person, limit: Any) -> None:
    limit(api=1)
    _, second = api_keys.create(user=alice.user, name="laptop", now=NOW)

    answers = [ask_with(key) for key in (alice.api_key, second, alice.api_key)]

    assert statuses(answers) == [200, 200, 429]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/api/schema"])
def test_what_needs_no_key_is_not_limited(db: None, limit: Any, path: str) -> None:
    limit(api=1, register=1, validate=1)

    answers = [APIClient().get(path) for _ in range(3)]

    assert statuses(answers) == [200, 200, 200]


@pytest.mark.parametrize(("path", "most"), [("/user/balance", 2), ("/referral/code", 2)])
def test_a_limit_costs_one_query(
    alice: Person, limit: Any, django_assert_max_num_queries: Any, path: str, most: int
) -> None:
    with django_assert_max_num_queries(most):
        alice.api.get(path)
    limit(api=10)

    with django_assert_max_num_queries(most + 1):
        alice.api.get(path)


def test_a_refusal_costs_a_key_two_queries(
    alice: Person, limit: Any, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    limit(api=1)
    ask_with(alice.api_key)

    with django_assert_num_queries(2):
        assert ask_with(alice.api_key).status_code == 429


@pytest.mark.parametrize("wrong", [WRONG_KEY, "nonsense", ""])
def test_wrong_keys_from_one_address_are_limited(db: None, limit: Any, wrong: str) -> None:
    limit(wrong_key=2)

    answers = [ask_with(wrong) for _ in range(3)]

    assert statuses(answers) == [401, 401, 429]


def test_a_right_key_works_whatever_others_at_its_address_try(alice: Person, limit: Any) -> None:
    limit(wrong_key=1)
    for _ in range(3):
        ask_with(WRONG_KEY)

    assert ask_with(alice.api_key).status_code == 200


def test_a_missing_key_is_not_a_wrong_one(db: None, limit: Any) -> None:
    limit(wrong_key=1)

    answers = [APIClient().get("/user/balance") for _ in range(3)]

    assert statuses(answers) == [401, 401, 401]


@pytest.mark.django_db(transaction=True)
def test_of_sixty_validations_at_once_exactly_twenty_are_answered(limit: Any) -> None:
    limit(validate=20)

    answers = at_once(*[validate] * 60)

    assert Counter(statuses(answers)) == {200: 20, 429: 40}


def test_without_the_database_it_is_the_usual_503(
    db: None, limit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OperationalError("down")

    limit(validate=1)
    with monkeypatch.context() as broken:
        broken.setattr(connection, "cursor", refuse)
        answer = validate()

    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")


def test_no_address_is_logged(db: None, limit: Any) -> None:
    limit(validate=1)
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    logging.getLogger().addHandler(handler)
    for _ in range(2):
        validate(REMOTE_ADDR="203.0.113.9")
    logging.getLogger().removeHandler(handler)

    assert "429" in written.getvalue()
    assert "203.0.113" not in written.getvalue()
