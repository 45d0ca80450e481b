"""Every request without a valid key gets the same answer."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.tests.factories import Person

REFUSAL = 401, "Bearer", {"detail": "Invalid API key.", "code": "authentication_failed"}


def ask(authorization: str | None) -> Any:
    headers = {} if authorization is None else {"Authorization": authorization}
    return APIClient().get("/user/balance", headers=headers)


def revoke(person: Person, **ago: int) -> None:
    person.user.api_keys.update(revoked_at=timezone.now() - timedelta(**ago))


def answer(authorization: str) -> tuple[int, str | None, Any]:
    response = ask(authorization)
    return response.status_code, response.get("WWW-Authenticate"), response.json()


@pytest.mark.parametrize(
    "wrong",
    [partial(revoke, seconds=1), partial(revoke, days=30), partial(Person.change, is_active=False)],
)
def test_an_invalid_key_is_refused(alice: Person, wrong: Callable[[Person], None]) -> None:
    wrong(alice)

    assert answer(f"Bearer {alice.api_key}") == REFUSAL


@pytest.mark.parametrize(
    "header",
    [
        f"Bearer gw_live_{'x' * 43}",
        "Bearer {swapped}",
        "Bearer {cut}",
        "Bearer ",
        "{key}",
        "Basic {key}",
        "Bearer {key} {key}",
        "Bearer gw_live_\xe9\xff",
        "Bearer ' OR 1=1 --",
    ],
)
def test_any_other_header_gets_the_same_answer_by_one_query_at_most(
    alice: Person, header: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    key = alice.api_key

    with django_assert_max_num_queries(1):
        refused = answer(header.format(key=key, swapped=key.swapcase(), cut=key[:-1]))

    assert refused == REFUSAL


def test_the_answer_to_a_missing_key_says_how_to_authenticate(db: None) -> None:
    response = ask(None)

    assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")


def test_a_key_is_valid_until_its_revocation_and_its_scheme_read_in_any_case(
    alice: Person,
) -> None:
    revoke(alice, hours=-1)

    assert ask(f"bEARER {alice.api_key}").status_code == 200


def test_a_wrong_key_is_refused_where_a_key_is_optional(db: None) -> None:
    client = APIClient(headers={"Authorization": "Bearer nonsense"})

    response = client.post("/referral/validate", {"referral_code": "ABC12345"}, format="json")

    assert response.status_code == 401
