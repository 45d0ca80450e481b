"""A session is opened by the key in the browser's cookie, and by nothing in the database."""

from collections.abc import Callable

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from accounts.models import User
from accounts.tests.factories import operator
from accounts.tests.test_api_keys import dump

PAGE = "/admin/accounts/user/"


def opens(session_key: str) -> bool:
    browser = Client()
    browser.cookies["sessionid"] = session_key
    return bool(browser.get(PAGE).status_code == 200)


def key_of(browser: Client) -> str:
    return str(browser.cookies["sessionid"].value)


def test_nothing_in_a_dump_opens_a_session(db: None) -> None:
    olivia = operator()

    [row] = Session.objects.all()

    assert key_of(olivia) not in dump()
    assert row.get_decoded()["_auth_user_id"] == str(User.objects.get(username="olivia").pk)
    assert not any(opens(key) for key in (row.session_key, row.session_key[:32]))
    assert opens(key_of(olivia))


@pytest.mark.parametrize(
    "end",
    [
        # A key that lies in the table as it is, and not by its digest.
        lambda key: Session.objects.update(session_key=key),
        lambda key: Session.objects.update(expire_date="2020-01-01T00:00:00Z"),
        lambda key: User.objects.update(is_active=False),
    ],
)
def test_a_session_that_has_ended_opens_nothing(db: None, end: Callable[[str], object]) -> None:
    key = key_of(operator())

    end(key)

    assert not opens(key)


def test_it_is_stored_again_under_the_same_row_until_the_log_out(db: None) -> None:
    olivia = operator()
    session, key = olivia.session, key_of(olivia)

    session["seen"] = "yes"
    session.save()

    [row] = Session.objects.all()
    assert row.get_decoded()["seen"] == "yes"
    assert opens(key)
    olivia.post("/admin/logout/")
    assert not Session.objects.exists()
    assert not opens(key)


def test_what_is_no_key_opens_nothing_and_is_no_error(db: None) -> None:
    for key in ("", "x", "\0" * 32, "a" * 31 + "\0", "a" * 5000, "\udcff" * 32, "é" * 32, "' OR 1"):
        cookie = f"sessionid={key}".encode(errors="surrogateescape").decode("latin-1")
        answers = [Client(HTTP_COOKIE=cookie).get(path).status_code for path in (PAGE, "/signup")]
        assert answers == [302, 200], key
