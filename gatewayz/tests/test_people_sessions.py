"""A person's session opens the person's own pages, and never the admin."""

from typing import Any

import pytest
from django.test import Client

from accounts import log_in_links
from accounts.models import User
from accounts.tests.factories import Person, StaffFactory, logged_in, with_password

ADMIN = "/admin/accounts/user/"


def by_link(user: User) -> Client:
    """Return the browser of this person, who followed a link in an e-mail."""
    browser = Client()
    response = browser.post("/login/link", {"token": log_in_links.create_token(user)})
    assert response.status_code == 302
    return browser


def opens_admin(browser: Client) -> bool:
    return bool(browser.get(ADMIN).status_code == 200)


@pytest.fixture
def olivia(db: None) -> User:
    return StaffFactory.create(username="olivia", is_superuser=True)


def test_a_link_does_not_open_the_admin_to_staff(olivia: User) -> None:
    browser = by_link(olivia)

    assert browser.get("/dashboard").status_code == 200
    assert not opens_admin(browser)


def test_nor_does_the_session_of_a_sign_up_when_the_person_becomes_staff(db: None) -> None:
    browser = Client()
    browser.post("/signup", {"username": "olivia", "email": "olivia@example.com"})
    User.objects.update(is_staff=True, is_superuser=True)

    assert browser.get("/dashboard").status_code == 200
    assert not opens_admin(browser)


def test_a_link_closes_the_admin_to_an_operator_who_follows_it(olivia: User) -> None:
    browser = logged_in(olivia)
    assert opens_admin(browser)

    browser.post("/login/link", {"token": log_in_links.create_token(olivia)})

    assert not opens_admin(browser)


def test_the_password_opens_it_again_but_not_to_a_session_key_of_before(olivia: User) -> None:
    with_password(olivia, "correct horse")
    browser, thief = by_link(olivia), Client()
    thief.cookies["sessionid"] = browser.cookies["sessionid"].value

    browser.post("/admin/login/", {"username": "olivia", "password": "correct horse"})

    assert opens_admin(browser)
    assert not opens_admin(thief)


def test_it_does_not_call_the_api(alice: Person) -> None:
    assert by_link(alice.user).get("/user/balance").status_code == 401


@pytest.mark.parametrize("change", [{"is_active": False}, {"email": "found-again@example.com"}])
def test_deactivation_or_a_new_address_ends_it(alice: Person, change: dict[str, Any]) -> None:
    browser = by_link(alice.user)

    User.objects.update(**change)

    assert browser.get("/dashboard").status_code == 302


def test_a_new_secret_key_does_not(alice: Person, settings: Any) -> None:
    browser = by_link(alice.user)

    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another" * 9

    assert browser.get("/dashboard").status_code == 200


def test_each_log_in_has_a_session_key_of_its_own(alice: Person) -> None:
    browser = by_link(alice.user)
    before = browser.cookies["sessionid"].value

    alice.user.refresh_from_db()
    browser.post("/login/link", {"token": log_in_links.create_token(alice.user)})

    assert browser.cookies["sessionid"].value != before


def test_logging_out_ends_it_and_takes_a_post(alice: Person) -> None:
    browser = by_link(alice.user)

    assert browser.get("/logout").status_code == 405
    assert browser.get("/dashboard").status_code == 200

    assert browser.post("/logout").status_code == 302
    assert browser.get("/dashboard").status_code == 302


def test_its_cookie_stays_with_the_site_and_away_from_scripts(alice: Person) -> None:
    cookie = by_link(alice.user).cookies["sessionid"]

    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
