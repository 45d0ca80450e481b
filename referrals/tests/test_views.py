"""The referral endpoints: code, validation, stats."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts import api_keys
from accounts.models import ApiKey, User
from accounts.tests.factories import Person
from payments.tests.stripe_events import refer, settle
from referrals.tests.test_codes import NO_CODES


def validate(code: object, client: APIClient | None = None) -> Any:
    # Written by hand: what a client can send is more than the test client's own JSON would say.
    return (client or APIClient()).post(
        "/referral/validate",
        json.dumps({"referral_code": code}),
        content_type="application/json",
    )


def error_of(code: object, person: Person | None = None) -> str | None:
    """Return why the code is invalid, None when it is valid."""
    answer = validate(code, person.api if person else None).json()
    assert answer["valid"] is ("error" not in answer)
    error: str | None = answer.get("error")
    return error


@pytest.fixture
def codeless(db: None) -> Person:
    """A user created on the command line."""
    user = User.objects.create_superuser("root", "root@example.com")
    _, text = api_keys.create(user=user, name="default", now=timezone.now())
    return Person(user, text)


def test_a_valid_code_shows_its_owner_and_remaining_uses(alice: Person) -> None:
    refer(alice, 3)

    assert validate(alice.code).json() == {
        "valid": True,
        "message": "Referral code is valid",
        "referrer": {"username": "alice", "email": "alice@example.com"},
        "remaining_uses": 7,
    }


def test_an_unknown_code_is_not_found(db: None) -> None:
    response = validate("ABC12345")

    assert response.status_code == 200
    assert response.json() == {
        "valid": False,
        "message": "Invalid referral code",
        "error": "Code not found",
    }


@pytest.mark.parametrize("code", NO_CODES)
def test_text_that_cannot_be_a_code_is_not_found(alice: Person, code: object) -> None:
    User.objects.filter(pk=alice.user.pk).update(referral_code="SILK1234")

    response = validate(code)

    assert (response.status_code, response.json().get("error")) == (200, "Code not found")


@pytest.mark.parametrize("typed", ["silk1234", "  SILK1234 ", "Silk1234"])
def test_a_code_is_found_in_any_case_and_with_spaces_around(alice: Person, typed: str) -> None:
    User.objects.filter(pk=alice.user.pk).update(referral_code="SILK1234")

    assert error_of(typed) is None


@pytest.mark.parametrize("body", ["{}", "[]", '"ABC12345"', "", "{", "null", "{\xff}"])
def test_a_missing_field_is_a_bad_request(db: None, body: str) -> None:
    response = APIClient().post(
        "/referral/validate", body.encode("latin-1"), content_type="application/json"
    )

    assert response.status_code == 400


def test_an_exhausted_code_is_invalid_with_and_without_a_key(alice: Person, bob: Person) -> None:
    refer(alice, 10)

    errors = {error_of(alice.code), error_of(alice.code, bob)}

    assert errors == {"Referral code has reached maximum uses"}


def test_a_users_own_code_is_invalid_only_for_them(alice: Person) -> None:
    assert error_of(alice.code, alice) == "Cannot use your own referral code"
    assert error_of(alice.code) is None


def test_a_code_is_for_the_first_purchase_only(alice: Person, bob: Person) -> None:
    settle(bob.user)

    error = error_of(alice.code, bob)

    assert error == "Referral code can only be used on first purchase"


def test_a_small_purchase_does_not_count_as_first(alice: Person, bob: Person) -> None:
    settle(bob.user, 999)

    assert error_of(alice.code, bob) is None


def test_a_second_code_is_invalid(bob: Person, charlie: Person) -> None:
    assert error_of(charlie.code, bob) == "You have already used a different referral code"


def test_an_unknown_code_is_not_found_with_a_key_either(bob: Person) -> None:
    assert error_of("NOSUCH00", bob) == "Code not found"


def test_a_deactivated_referrers_code_is_not_found(alice: Person) -> None:
    User.objects.filter(pk=alice.user.pk).update(is_active=False)

    assert error_of(alice.code) == "Code not found"


def test_validating_costs_two_queries_at_most(
    alice: Person, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(2):
        validate(alice.code)


@pytest.mark.parametrize("last_used", [None, timedelta(seconds=5), timedelta(days=1)])
def test_validating_with_a_key_costs_two_queries_at_most(
    alice: Person,
    bob: Person,
    last_used: timedelta | None,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    ApiKey.objects.update(last_used_at=last_used and timezone.now() - last_used)

    with django_assert_max_num_queries(2):
        validate(alice.code, bob.api)


def test_the_own_code_costs_two_queries_at_most(
    alice: Person, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(2):
        alice.api.get("/referral/code")


def test_the_own_stats_cost_four_queries_at_most(
    alice: Person, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    refer(alice, 3)

    with django_assert_max_num_queries(4):
        assert len(alice.api.get("/referral/stats").json()["referrals"]) == 3


def test_a_user_without_a_code_gets_one_on_request(codeless: Person) -> None:
    code = codeless.api.get("/referral/code").json()["referral_code"]

    codeless.user.refresh_from_db()
    assert codeless.code == code
    assert len(code) == 8


def test_a_user_without_a_code_can_generate_one(codeless: Person) -> None:
    made = codeless.api.post("/referral/generate").json()["referral_code"]

    assert codeless.api.post("/referral/generate").json()["referral_code"] == made
    assert codeless.api.get("/referral/code").json()["referral_code"] == made


def test_generating_returns_the_existing_code(alice: Person) -> None:
    assert alice.api.post("/referral/generate").json()["referral_code"] == alice.code


def test_a_user_without_a_code_has_stats_too(codeless: Person) -> None:
    stats = codeless.api.get("/referral/stats").json()

    assert (len(stats["referral_code"]), stats["total_uses"]) == (8, 0)


def test_stats_show_the_callers_own_totals(alice: Person, bob: Person) -> None:
    settle(bob.user, 1500)

    stats = bob.api.get("/referral/stats").json()

    assert (stats["referred_by_code"], stats["current_balance"]) == (alice.code, 25.0)
    assert (stats["total_uses"], stats["total_earned"], stats["referrals"]) == (0, 0.0, [])
