"""On the account page a person takes their data along, or has them erased."""

from datetime import timedelta
from typing import Any

from accounts.models import User
from accounts.tests.factories import Person, logged_in, register


def test_a_person_exports_their_data(bob: Person) -> None:
    browser = logged_in(bob.user)
    account = browser.get("/account").content.decode()
    response: Any = browser.get("/account/export")

    assert 'href="/account/export"' in account
    assert b'"username":"bob"' in response.getvalue()


def test_exports_use_up_the_calls_of_nobody_else(bob: Person, settings: Any) -> None:
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"api": (1, timedelta(hours=1))}
    # A user name that is somebody else's number.
    browser = logged_in(register(str(bob.user.pk)).user)

    answers = [browser.get("/account/export").status_code for _ in range(2)]

    assert answers == [200, 429]
    assert bob.api.get("/user/balance").status_code == 200


def test_a_person_who_types_their_name_is_erased_and_logged_out(bob: Person) -> None:
    browser = logged_in(bob.user)

    page = browser.get("/account/erase").content.decode()
    refused = browser.post("/account/erase", {"username": "Bob"})
    done = browser.post("/account/erase", {"username": "bob"})

    assert "Credits that are left are given up" in page
    assert "This is not your user name." in refused.content.decode()
    assert (refused.status_code, done.status_code) == (400, 200)
    assert browser.get("/account").status_code == 302
    assert not User.objects.filter(username="bob").exists()
