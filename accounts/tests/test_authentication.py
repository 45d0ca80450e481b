"""Whoever has no valid key gets one and the same answer."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.tests.factories import Person


def ask(authorization: str | None) -> Any:
    headers = {} if authorization is None else {"Authorization": authorization}
    return APIClient().get("/user/balance", headers=headers)


def revoke(person: Person, **ago: int) -> None:
    person.user.api_keys.update(revoked_at=timezone.now() - timedelta(**ago))


def unknown(person: Person) -> str:
    return f"Bearer gw_live_{'x' * 43}"


def altered(person: Person) -> str:
    return f"Bearer {person.api_key.swapcase()}"


def truncated(person: Person) -> str:
    return f"Bearer {person.api_key[:-1]}"


def revoked(person: Person) -> str:
    revoke(person, seconds=1)
    return f"Bearer {person.api_key}"


def expired(person: Person) -> str:
    revoke(person, days=30)
    return f"Bearer {person.api_key}"


def of_a_deactivated_user(person: Person) -> str:
    person.user.is_active = False
    person.user.save(update_fields=["is_active"])
    return f"Bearer {person.api_key}"


def empty(person: Person) -> str:
    return "Bearer "


def without_a_scheme(person: Person) -> str:
    return person.api_key


def of_another_scheme(person: Person) -> str:
    return f"Basic {person.api_key}"


def twice(person: Person) -> str:
    return f"Bearer {person.api_key} {person.api_key}"


def not_ascii(person: Person) -> str:
    return "Bearer gw_live_\xe9\xff"


def sql(person: Person) -> str:
    return "Bearer ' OR 1=1 --"


WRONG = (
    unknown,
    altered,
    truncated,
    revoked,
    expired,
    of_a_deactivated_user,
    empty,
    without_a_scheme,
    of_another_scheme,
    twice,
    not_ascii,
    sql,
)


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_key_is_answered_like_any_other(
    alice: Person, wrong: Callable[[Person], str]
) -> None:
    response = ask(wrong(alice))

    assert response.status_code == 401
    assert response.json() == {"detail": "Invalid API key.", "code": "authentication_failed"}
    assert response["WWW-Authenticate"] == "Bearer"


def test_a_missing_key_is_told_how_to_authenticate(db: None) -> None:
    response = ask(None)

    assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")


def test_the_scheme_is_read_without_regard_to_case(alice: Person) -> None:
    assert ask(f"bEARER {alice.api_key}").status_code == 200


def test_a_key_works_until_the_moment_of_its_revocation(alice: Person) -> None:
    revoke(alice, hours=-1)

    assert ask(f"Bearer {alice.api_key}").status_code == 200


def test_a_wrong_key_costs_one_query_at_most(
    alice: Person, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(1):
        ask(unknown(alice))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/user/balance"),
        ("get", "/user/transactions"),
        ("get", "/user/api-keys"),
        ("post", "/user/api-keys"),
        ("delete", "/user/api-keys/1"),
        ("get", "/referral/code"),
        ("post", "/referral/generate"),
        ("get", "/referral/stats"),
        ("post", "/api/stripe/checkout-session"),
        ("get", "/api/stripe/checkout-session/cs_test_1"),
        ("get", "/api/stripe/payments"),
    ],
)
def test_it_guards_every_endpoint_of_a_person(db: None, method: str, path: str) -> None:
    response = getattr(APIClient(), method)(path)

    assert response.status_code == 401


def test_a_wrong_key_is_no_anonymous_caller_where_a_key_is_optional(db: None) -> None:
    client = APIClient(headers={"Authorization": "Bearer nonsense"})

    response = client.post("/referral/validate", {"referral_code": "ABC12345"}, format="json")

    assert response.status_code == 401
