"""Taking the invitation of a friend after signing up, on the dashboard."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import Person, logged_in
from payments.tests.stripe_events import settle

CLAIM = "/dashboard/claim"


def take(person: Person, code: str) -> Any:
    return logged_in(person.user).post(CLAIM, {"referral_code": code}, follow=True)


def inviter(person: Person) -> str | None:
    code: str | None = User.objects.get(pk=person.user.pk).referred_by_code
    return code


def test_a_code_that_is_typed_counts_for_the_first_purchase(alice: Person, charlie: Person) -> None:
    page = take(charlie, f" {alice.code.lower()} ").content.decode()

    assert "The invitation counts for your first purchase." in page
    assert "alice invited you" in page
    settle(charlie.user)
    assert charlie.balance() == "20.00"


@pytest.mark.parametrize("code", ["", "NOSUCH12", "own", "x" * 101, "\x00"])
def test_a_code_that_cannot_be_taken_is_refused_on_the_form(charlie: Person, code: str) -> None:
    response = take(charlie, charlie.code if code == "own" else code)

    assert response.status_code == 400
    assert b"error-text" in response.content
    assert inviter(charlie) is None


def sign_up_long_ago(person: Person) -> None:
    long_ago = timezone.now() - timedelta(days=7)
    User.objects.filter(pk=person.user.pk).update(created_at=long_ago)


@pytest.mark.parametrize(
    "happens",
    [
        lambda alice, person: take(person, alice.code),
        lambda alice, person: settle(person.user, 100),
        lambda alice, person: sign_up_long_ago(person),
    ],
    ids=["is invited", "has bought", "signed up long ago"],
)
def test_it_is_offered_only_while_it_is_possible(
    alice: Person, bob: Person, charlie: Person, happens: Any
) -> None:
    browser = logged_in(charlie.user)
    assert b"Take the invitation" in browser.get("/dashboard").content
    happens(alice, charlie)
    before = inviter(charlie)

    response = take(charlie, bob.code)

    assert b"Take the invitation" not in browser.get("/dashboard").content
    assert b"within 7 days" in browser.get(CLAIM).content
    assert (response.status_code, inviter(charlie)) == (400, before)


def test_the_code_of_the_link_that_was_followed_is_filled_in(
    alice: Person, charlie: Person
) -> None:
    browser = logged_in(charlie.user)
    browser.get(f"/signup?ref={alice.code}")

    assert f'value="{alice.code}"' in browser.get("/dashboard").content.decode()


def test_codes_are_not_guessed_here_either_nor_taken_for_somebody_else(
    alice: Person, charlie: Person, settings: Any
) -> None:
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"validate": (1, timedelta(minutes=1))}
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(charlie.user)

    assert browser.post(CLAIM, {"referral_code": alice.code}).status_code == 403
    assert [take(charlie, "NOSUCH12").status_code for _ in range(2)] == [400, 429]
    assert inviter(charlie) is None
