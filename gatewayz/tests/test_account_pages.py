"""A person's account page: API keys and preferences."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts import api_keys
from accounts.models import ApiKey
from accounts.tests.factories import Person, api_with, logged_in

KEYS = "/account/keys"


@pytest.fixture
def browser(bob: Person) -> Client:
    return logged_in(bob.user)


def test_a_key_is_shown_once_and_works(browser: Client) -> None:
    response = browser.post(KEYS, {"name": "<b>My</b> program"})

    [key] = re.findall(r"gw_live_[\w-]{43}", response.content.decode())
    assert api_with(key).get("/user/balance").status_code == 200
    assert "no-store" in response["Cache-Control"]
    later = browser.get("/account").content.decode()
    assert key not in later
    assert "<bdi>&lt;b&gt;My&lt;/b&gt; program</bdi>" in later


def test_the_number_of_keys_and_of_requests_is_limited(
    browser: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_keys, "MAX_KEYS", 1)
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"api": (1, timedelta(minutes=1))}

    pages = [browser.post(KEYS, {"name": "one more"}) for _ in range(2)]

    assert [page.status_code for page in pages] == [400, 429]
    assert b"revoke one first" in pages[0].content


def test_a_revoked_key_stops_working_and_the_last_one_only_after_a_question(
    browser: Client, bob: Person
) -> None:
    page = browser.post(KEYS, {"name": "another"}).content.decode()
    last = api_with(re.findall(r"gw_live_[\w-]{43}", page)[0])
    first, second = ApiKey.objects.filter(user=bob.user).order_by("pk")

    revoked = browser.post(f"{KEYS}/{first.pk}/revoke")
    asked = browser.post(f"{KEYS}/{second.pk}/revoke")

    assert (revoked.status_code, bob.api.get("/user/balance").status_code) == (302, 401)
    assert b"It is your last key" in asked.content
    assert last.get("/user/balance").status_code == 200
    browser.post(f"{KEYS}/{second.pk}/revoke", {"confirm": "true"})
    assert last.get("/user/balance").status_code == 401


def test_the_key_of_somebody_else_is_not_found(browser: Client, alice: Person) -> None:
    pk = ApiKey.objects.get(user=alice.user).pk

    assert browser.post(f"{KEYS}/{pk}/revoke", {"confirm": "true"}).status_code == 404
    assert alice.api.get("/user/balance").status_code == 200


def test_only_a_form_of_the_page_changes_something(bob: Person) -> None:
    key = ApiKey.objects.get(user=bob.user)
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(bob.user)

    for path in (KEYS, f"{KEYS}/{key.pk}/revoke", "/account/preferences"):
        statuses = browser.get(path).status_code, browser.post(path).status_code
        assert statuses == (200, 403), path
    assert ApiKey.objects.get(user=bob.user).revoked_at is None


def test_preferences_are_those_of_the_api(browser: Client, bob: Person) -> None:
    chosen = {
        "show_on_leaderboard": "on",
        "show_to_referrer": "initials",
        "emails": ["welcome", "adjustment"],
    }

    browser.post("/account/preferences", chosen)

    told = bob.api.get("/user/preferences").json()
    emails = told.pop("emails")
    assert told == {"show_on_leaderboard": True, "show_to_referrer": "initials"}
    assert {kind for kind, is_on in emails.items() if is_on} == {"welcome", "adjustment"}
    page = browser.get("/account").content.decode()
    assert len(re.findall(r"<input[^>]* checked", page)) == 4


def test_what_cannot_be_is_refused_on_the_form(browser: Client) -> None:
    wrong: list[tuple[str, dict[str, Any]]] = [
        *((KEYS, {"name": name}) for name in ("", " ", "x" * 101, "a\x00b")),
        ("/account/preferences", {"show_to_referrer": "x"}),
        ("/account/preferences", {"show_to_referrer": "hidden", "emails": ["spam"]}),
    ]
    for path, form in wrong:
        response = browser.post(path, form)

        assert response.status_code == 400, form
        assert b"error-text" in response.content, form
    assert ApiKey.objects.filter(user__username="bob").count() == 1


def test_the_snippet_for_another_site_has_a_token_for_what_it_shows_alone(
    browser: Client, settings: Any
) -> None:
    assert b"iframe" not in browser.post("/account/embed").content  # no site is listed
    settings.EMBED_ORIGINS = ["https://partner.example.com"]

    page = html.unescape(browser.post("/account/embed").content.decode())

    [token] = re.findall(r'<iframe src="[^"]*/embed#(gw_temp_[\w.-]+)"', page)
    client = api_with(token)
    assert client.get("/referral/code").status_code == 200
    # It names friends, and whoever opens the other site can read the token.
    assert client.get("/referral/stats").status_code == 403
