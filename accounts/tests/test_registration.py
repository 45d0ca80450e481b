"""A registration creates one account for a user name and an e-mail, in any case."""

import json
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import ApiKey, User
from accounts.tests.factories import Person, api_with

DAVE = {"username": "dave", "email": "dave@example.com", "auth_method": "email"}


def ask(**changes: Any) -> Any:
    # Not the test client's own JSON, which cannot send lone surrogates such as "\ud800".
    body = json.dumps(DAVE | changes)
    return APIClient().post("/auth/register", body, content_type="application/json")


@pytest.mark.parametrize("auth_method", ["email", "phone", "wallet", "google", "github"])
def test_the_returned_key_is_valid_by_whatever_way_one_signs_in(db: None, auth_method: str) -> None:
    answer = ask(auth_method=auth_method).json()

    balance = api_with(answer["api_key"]).get("/user/balance")

    assert answer["auth_method"] == auth_method
    assert balance.json() == {
        "user_id": User.objects.get().pk,
        "username": "dave",
        "credits": 0.0,
        "currency": "usd",
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("username", name) for name in ("alice", "ALICE", "aLiCe", " alice ")),
        *(("email", email) for email in ("alice@example.com", "Alice@Example.COM")),
    ],
)
def test_a_name_is_taken_in_any_case(alice: Person, field: str, value: str) -> None:
    response = ask(**{field: value})

    assert (response.status_code, response.json()["code"]) == (409, f"{field}_taken")
    assert list(response.json()["errors"]) == [field]
    assert (User.objects.count(), ApiKey.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", None),
        ("username", ""),
        ("username", "a b"),
        ("username", "#12"),  # `people.find` takes it for an id
        ("username", "a\x00b"),
        ("username", "\ud800"),
        ("username", "dave\nmallory"),
        ("username", "<script>"),
        ("username", "x" * 151),
        ("username", "\ufdfa" * 20),  # one character that normalises to eighteen
        ("username", ["dave"]),
        ("username", {"$ne": ""}),
        ("email", "dave"),
        ("email", "dave@example.com\x00"),
        ("email", "dave@exa mple.com"),
        ("email", f"{'d' * 250}@example.com"),
        ("email", None),
        ("auth_method", "carrier-pigeon"),
        ("auth_method", None),
    ],
)
def test_it_refuses_an_invalid_value(db: None, field: str, value: object) -> None:
    response = ask(**{field: value})

    assert response.status_code == 400
    assert list(response.json()["errors"]) == [field]
    assert not User.objects.exists()


def test_without_an_address_it_stores_none(db: None) -> None:
    """The address is unknown behind an untrusted proxy that connects by a Unix socket."""
    APIClient(REMOTE_ADDR="").post("/auth/register", DAVE, format="json")

    assert User.objects.get().signup_address == ""


def test_other_fields_have_no_effect(db: None) -> None:
    response = ask(
        password="secret-enough-for-anybody",
        credits=1000,
        is_staff=True,
        is_superuser=True,
        referred_by_code="ABC12345",
        has_made_first_purchase=True,
        user_id=1_000_000,
    )

    user = User.objects.get()
    assert (response.status_code, user.has_usable_password()) == (201, False)
    assert (str(user.credits), user.is_staff, user.is_superuser) == ("0.00", False, False)
    assert (user.referred_by_code, user.has_made_first_purchase) == (None, False)
    assert user.pk != 1_000_000
