"""A person's session opens the person's own pages, and never the admin."""

from collections.abc import Callable
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


def by_sign_up(olivia: User) -> Client:
    """Return the browser in which she signed up, before she was staff."""
    browser, form = Client(), {"username": "nina", "email": "nina@example.com"}
    assert browser.post("/signup", form).status_code == 200
    User.objects.update(is_staff=True, is_superuser=True)
    return browser


def by_link_after_password(olivia: User) -> Client:
    browser = logged_in(olivia)
    assert opens_admin(browser)
    browser.post("/login/link", {"token": log_in_links.create_token(olivia)})
    return browser


@pytest.mark.parametrize("enter", [by_link, by_sign_up, by_link_after_password])
def test_only_the_password_opens_the_admin_to_staff(
    olivia: User, enter: Callable[[User], Client]
) -> None:
    browser = enter(olivia)

    assert browser.get("/dashboard").status_code == 200
    assert not opens_admin(browser)


def test_the_password_opens_it_again_but_not_to_a_session_key_of_before(olivia: User) -> None:
    with_password(olivia, "correct horse")
    browser, thief = by_link(olivia), Client()
    thief.cookies["sessionid"] = browser.cookies["sessionid"].value

    browser.post("/admin/login/", {"username": "olivia", "password": "correct horse"})

    assert opens_admin(browser)
    assert not opens_admin(thief)


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


def test_it_is_a_cookie_of_the_site_alone_until_the_log_out_by_a_post(alice: Person) -> None:
    browser = by_link(alice.user)
    cookie = browser.cookies["sessionid"]

    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert browser.get("/user/balance").status_code == 401
    assert browser.get("/logout").status_code == 405
    assert browser.get("/dashboard").status_code == 200

    assert browser.post("/logout").status_code == 302
    assert browser.get("/dashboard").status_code == 302
