"""A caller above a limit is refused and has to wait; other callers are not."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts import api_keys
from accounts.models import User
from accounts.tests.factories import Person, api_with
from accounts.throttling import ADDRESSES_OF_A_SITE

NOW = datetime(2026, 3, 16, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WRONG_KEY = f"gw_live_{'x' * 43}"


pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def limit(settings: Any) -> Any:
    """Return a function that sets limits per minute."""

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


@pytest.mark.parametrize(
    ("action", "call", "expected"),
    [
        ("register", register, [201, 201, 429]),
        ("register", lambda n: APIClient().post("/auth/register"), [400, 400, 429]),
        ("validate", lambda n: validate(), [200, 200, 429]),
        ("wrong_key", lambda n: ask_with(WRONG_KEY), [401, 401, 429]),
        ("wrong_key", lambda n: ask_with("nonsense"), [401, 401, 429]),
        ("wrong_key", lambda n: ask_with(""), [401, 401, 429]),
        ("wrong_key", lambda n: APIClient().get("/user/balance"), [401, 401, 401]),
    ],
)
def test_calls_from_one_address_are_limited(
    db: None, limit: Any, action: str, call: Callable[[int], Any], expected: list[int]
) -> None:
    limit(**{action: 2})

    assert statuses([call(n) for n in range(3)]) == expected
    assert User.objects.count() == expected.count(201)


@pytest.mark.parametrize(("after", "wait"), [(42.5, 18), (59.999, 1)])
def test_the_refusal_has_the_shape_of_all_errors_and_the_time_to_wait(
    db: None, limit: Any, clock: Any, after: float, wait: int
) -> None:
    limit(validate=1)
    validate()
    clock.shift(after)

    refused = validate()
    clock.shift(wait)

    assert refused["Retry-After"] == str(wait)
    assert refused.json() == {
        "detail": f"Too many requests. Try again in {wait} s.",
        "code": "too_many_requests",
    }
    assert validate().status_code == 200


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        (["192.0.2.1", "192.0.2.2"], [200, 200]),
        (["2001:db8::1", "2001:db8::2"], [200, 429]),
        (
            [*(f"2001:db8:1:{n}::1" for n in range(ADDRESSES_OF_A_SITE + 1)), "2001:db8:2::1"],
            [*[200] * ADDRESSES_OF_A_SITE, 429, 200],
        ),
    ],
    ids=["IPv4 by address", "IPv6 by network", "the networks of a site together"],
)
def test_each_address_has_its_own_limit(
    db: None, limit: Any, addresses: list[str], expected: list[int]
) -> None:
    limit(validate=1)

    assert statuses([validate(REMOTE_ADDR=address) for address in addresses]) == expected


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        ([], "192.0.2.{}, 203.0.113.9", [200, 429, 429]),
        (["10.0.0.7"], "192.0.2.{}, 203.0.113.9", [200, 429, 429]),
        (["10.0.0.7"], "192.0.2.{}", [200, 200, 200]),
    ],
    ids=["no proxy", "forged", "each caller"],
)
def test_behind_a_trusted_proxy_each_caller_has_their_own_limit_and_forges_none(
    db: None, limit: Any, settings: Any, proxies: list[str], forwarded: str, expected: list[int]
) -> None:
    limit(validate=1)
    settings.TRUSTED_PROXIES = [ip_network(proxy) for proxy in proxies]
    peer = proxies[0] if proxies else "203.0.113.9"

    answers = [
        validate(REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=forwarded.format(n)) for n in range(3)
    ]

    assert statuses(answers) == expected


def test_all_keys_of_a_person_have_one_limit_at_all_endpoints_and_addresses(
    alice: Person, charlie: Person, limit: Any, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    limit(api=2)
    _, second = api_keys.create(user=alice.user, name="laptop", now=NOW)
    keys = (alice.api_key, charlie.api_key, second)

    answers = [ask_with(key, REMOTE_ADDR=f"192.0.2.{n}") for n, key in enumerate(keys)]

    assert statuses(answers) == [200, 200, 200]
    for path in ("/user/balance", "/user/api-keys"):
        with django_assert_num_queries(2):
            assert alice.api.get(path).status_code == 429


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/api/schema"])
def test_public_endpoints_are_not_limited(db: None, limit: Any, path: str) -> None:
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


def test_a_valid_key_works_despite_wrong_keys_from_its_address(alice: Person, limit: Any) -> None:
    limit(wrong_key=1)
    for _ in range(3):
        ask_with(WRONG_KEY)

    assert ask_with(alice.api_key).status_code == 200
