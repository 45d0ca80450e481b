"""An account is made once for a name and an e-mail, whatever their case."""

import json
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from rest_framework.test import APIClient

from accounts.models import ApiKey, User
from accounts.tests.factories import Person


def ask(**changes: Any) -> Any:
    body = {"username": "dave", "email": "dave@example.com", "auth_method": "email"} | changes
    # Written by hand: what a client can send is more than the test client's own JSON would say.
    return APIClient().post("/auth/register", json.dumps(body), content_type="application/json")


def test_the_key_that_it_gives_opens_the_account(db: None) -> None:
    api_key = ask().json()["api_key"]

    balance = APIClient().get("/user/balance", headers={"Authorization": f"Bearer {api_key}"})

    assert balance.json() == {
        "user_id": User.objects.get().pk,
        "username": "dave",
        "credits": 0.0,
        "currency": "usd",
    }


def test_nobody_can_sign_in_with_a_password(db: None) -> None:
    ask(password="secret-enough-for-anybody")

    assert not User.objects.get().has_usable_password()


@pytest.mark.parametrize("username", ["alice", "ALICE", "aLiCe", " alice "])
def test_a_username_is_taken_in_any_case(alice: Person, username: str) -> None:
    response = ask(username=username)

    assert response.status_code == 409
    assert response.json()["code"] == "username_taken"
    assert list(response.json()["errors"]) == ["username"]


@pytest.mark.parametrize("email", ["alice@example.com", "Alice@Example.COM"])
def test_an_email_is_taken_in_any_case(alice: Person, email: str) -> None:
    response = ask(email=email)

    assert response.status_code == 409
    assert response.json()["code"] == "email_taken"
    assert list(response.json()["errors"]) == ["email"]


def test_a_refused_registration_leaves_nothing_behind(alice: Person) -> None:
    ask(username="alice")

    assert (User.objects.count(), ApiKey.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("field", "value"), [("username", "ALICE"), ("email", "ALICE@example.com")]
)
def test_the_database_refuses_another_case_whoever_writes(
    alice: Person, field: str, value: str
) -> None:
    row = {"username": "mallory", "email": "mallory@example.com", field: value}

    with pytest.raises(IntegrityError, match=f"users_{field}_any_case"), transaction.atomic():
        User.objects.create(**row)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", None),
        ("username", ""),
        ("username", "a b"),
        ("username", "a\x00b"),
        ("username", "\ud800"),
        ("username", "dave\nmallory"),
        ("username", "<script>"),
        ("username", "x" * 151),
        ("username", "\ufdfa" * 20),  # one letter that normalises to eighteen
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
def test_it_refuses_what_is_no_name_or_address(db: None, field: str, value: object) -> None:
    response = ask(**{field: value})

    assert response.status_code == 400
    assert list(response.json()["errors"]) == [field]
    assert not User.objects.exists()


@pytest.mark.parametrize("field", ["username", "email", "auth_method"])
def test_it_names_the_field_that_is_missing(db: None, field: str) -> None:
    body = {"username": "dave", "email": "dave@example.com", "auth_method": "email"}
    del body[field]

    response = APIClient().post("/auth/register", body, format="json")

    assert (response.status_code, list(response.json()["errors"])) == (400, [field])


@pytest.mark.parametrize("auth_method", ["email", "phone", "wallet", "google", "github"])
def test_it_takes_every_way_to_sign_in(db: None, auth_method: str) -> None:
    assert ask(auth_method=auth_method).json()["auth_method"] == auth_method


def test_of_no_address_nothing_is_kept(db: None) -> None:
    """As behind a proxy that comes over a Unix socket and is not believed."""
    body = {"username": "dave", "email": "dave@example.com", "auth_method": "email"}

    APIClient(REMOTE_ADDR="").post("/auth/register", body, format="json")

    assert User.objects.get().signup_address == ""


def test_what_a_client_says_of_itself_beyond_that_has_no_effect(db: None) -> None:
    response = ask(
        credits=1000,
        is_staff=True,
        is_superuser=True,
        referred_by_code="ABC12345",
        has_made_first_purchase=True,
        user_id=1_000_000,
    )

    user = User.objects.get()
    assert response.status_code == 201
    assert (str(user.credits), user.is_staff, user.is_superuser) == ("0.00", False, False)
    assert (user.referred_by_code, user.has_made_first_purchase) == (None, False)
    assert user.pk != 1_000_000
