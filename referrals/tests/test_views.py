"""The referral endpoints: code, validation, stats."""

import json
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


def test_a_valid_code_shows_its_owner_and_remaining_uses(
    alice: Person, bob: Person, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    refer(alice, 3)
    ApiKey.objects.update(last_used_at=timezone.now())

    with django_assert_num_queries(2):
        validate(alice.code, bob.api)
    with django_assert_num_queries(1):
        answer = validate(alice.code)

    assert answer.json() == {
        "valid": True,
        "message": "Referral code is valid",
        "referrer": {"username": "alice", "email": "alice@example.com"},
        "remaining_uses": 7,
    }


def test_another_code_and_text_that_cannot_be_one_are_not_found(alice: Person) -> None:
    alice.change(referral_code="SILK1234")

    for code in ("ABC12345", *NO_CODES):
        for response in (validate(code), validate(code, alice.api)):
            assert response.status_code == 200, code
            assert response.json() == {
                "valid": False,
                "message": "Invalid referral code",
                "error": "Code not found",
            }


@pytest.mark.parametrize("body", ["{}", "[]", '"ABC12345"', "", "{", "null", "{\xff}"])
def test_a_missing_field_is_a_bad_request(db: None, body: str) -> None:
    response = APIClient().post(
        "/referral/validate", body.encode("latin-1"), content_type="application/json"
    )

    assert response.status_code == 400


def test_a_code_is_for_the_first_purchase_of_others_who_have_no_other_one_while_it_has_uses(
    alice: Person, bob: Person, charlie: Person
) -> None:
    settle(bob.user, 999)
    own, of_alice, of_charlie = (
        error_of(alice.code, alice),
        error_of(alice.code, bob),
        error_of(charlie.code, bob),
    )
    settle(bob.user)
    after_purchase = error_of(alice.code, bob)
    refer(alice, 9)
    used_up = {error_of(alice.code), error_of(alice.code, charlie)}

    assert own == "Cannot use your own referral code"
    assert of_alice is None
    assert of_charlie == "You have already used a different referral code"
    assert after_purchase == "Referral code can only be used on first purchase"
    assert used_up == {"Referral code has reached maximum uses"}


def test_the_own_code_shows_what_stats_show_in_one_query_and_two(
    alice: Person, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    refer(alice, 3)
    ApiKey.objects.update(last_used_at=timezone.now())
    named = ("total_uses", "remaining_uses", "max_uses", "total_earned")

    with django_assert_num_queries(1):
        code = alice.api.get("/referral/code").json()
    with django_assert_num_queries(2):
        stats = alice.api.get("/referral/stats").json()

    assert [code[name] for name in named] == [stats[name] for name in named] == [3, 7, 10, 30.0]
    assert len(stats["referrals"]) == 3


@pytest.mark.parametrize(
    ("method", "path"), [("get", "code"), ("post", "generate"), ("get", "stats")]
)
def test_a_user_without_a_code_gets_one_on_request(
    codeless: Person, method: str, path: str
) -> None:
    made = getattr(codeless.api, method)(f"/referral/{path}").json()["referral_code"]

    codeless.user.refresh_from_db()
    assert codeless.code == made == codeless.api.post("/referral/generate").json()["referral_code"]
    assert len(made) == 8


def test_stats_show_the_callers_own_totals(alice: Person, bob: Person) -> None:
    settle(bob.user, 1500)

    stats = bob.api.get("/referral/stats").json()

    assert (stats["referred_by_code"], stats["current_balance"]) == (alice.code, 25.0)
    assert (stats["total_uses"], stats["total_earned"], stats["referrals"]) == (0, 0.0, [])
