"""Keys go on working when the secrets that they are hashed with are replaced."""

from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts import api_keys, callers
from accounts.models import ApiKey
from accounts.tests.factories import Person, register
from payments.tests.at_once import at_once

OLD, NEW = "an old pepper", "a new pepper"


@pytest.fixture
def alice(alice: Person, settings: Any) -> Person:
    """Alice, who has just used her key: nothing but a new digest has to be written."""
    assert works(alice)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another key", [settings.SECRET_KEY]
    return alice


def works(person: Person) -> bool:
    return bool(person.api.get("/user/balance").status_code == 200)


@pytest.mark.parametrize("peppers", [[], [NEW]], ids=["no pepper", "a pepper"])
@pytest.mark.parametrize("is_used", [True, False])
def test_a_key_needs_the_old_secret_key_until_it_is_used(
    alice: Person, settings: Any, peppers: list[str], is_used: bool
) -> None:
    settings.API_KEY_PEPPERS = peppers
    if is_used:
        assert works(alice)

    settings.SECRET_KEY_FALLBACKS = []

    assert works(alice) is is_used


def test_the_first_pepper_makes_new_keys_and_any_finds_them(db: None, settings: Any) -> None:
    settings.API_KEY_PEPPERS = [NEW, OLD]
    bob = register("bob")

    settings.API_KEY_PEPPERS = [OLD]
    refused = not works(bob)
    settings.API_KEY_PEPPERS = [OLD, "another", NEW]

    assert refused
    assert works(bob)


def test_the_new_digest_is_not_written_in_the_callers_time(
    alice: Person, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    before = ApiKey.objects.get().digest

    with django_assert_num_queries(1):
        callers.CALLER.authenticate(alice.api_key, now=timezone.now())
    unchanged = ApiKey.objects.get().digest
    with django_assert_num_queries(2):
        callers.record_use()

    assert unchanged == before
    assert ApiKey.objects.get().digest == api_keys.digests(alice.api_key)[0] != before


@pytest.mark.django_db(transaction=True)
def test_uses_at_once_leave_one_new_digest(alice: Person) -> None:
    answers = at_once(*[lambda: alice.api.get("/user/balance").status_code] * 5)

    assert answers == [200] * 5
    assert ApiKey.objects.get().digest == api_keys.digests(alice.api_key)[0]
    assert works(alice)
