"""The page of an invitation: what it says, what it remembers, and what signing up there does."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.contrib.staticfiles import finders
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import ApiKey, LimitWindow, User
from accounts.tests.factories import Person, api_with, logged_in
from gatewayz.tests.test_people_sessions import by_link
from payments.tests.stripe_events import refer
from referrals.tests.factories import ProgramFactory

FORM = {"username": "bob", "email": "bob@example.com"}


def text(response: Any) -> str:
    return str(response.content.decode())


def invitation(browser: Client, code: str) -> str:
    return text(browser.get("/signup", {"ref": code}))


def bob() -> User:
    return User.objects.get(username="bob")


@pytest.mark.parametrize("path", ["/signup?ref=", "/register?ref=", "/signup?referral="])
def test_it_says_whose_it_is_and_what_it_brings(client: Client, alice: Person, path: str) -> None:
    page = text(client.get(path + alice.code.lower()))

    assert "<bdi>alice</bdi> invites you" in page
    assert "$10 for you and $10 for alice, after your first purchase of $10 or more." in page
    assert f'value="{alice.code}"' in page or f'value="{alice.code.lower()}"' in page


@time_machine.travel("2030-01-01T12:00:00Z", tick=False)
def test_it_names_the_terms_in_force_until_when_they_hold_and_their_budget(
    client: Client, alice: Person
) -> None:
    before = invitation(client, alice.code)
    ProgramFactory.create(referee_bonus=20, referrer_bonus="7.50", minimum_purchase=25, budget=500)

    page = invitation(client, alice.code)
    with time_machine.travel("2030-01-02T12:00:00Z"):
        ProgramFactory.create(budget=10)
        spent = invitation(client, alice.code)

    assert "this holds until 1 Apr 2030." in before
    assert "$20 for you and $7.50 for alice, after your first purchase of $25 or more." in page
    assert "while the budget lasts" in page
    assert "The budget for these bonuses is spent" in spent


def test_a_code_that_cannot_be_used_is_said_and_lets_sign_up(client: Client, alice: Person) -> None:
    refer(alice, 10)
    unknown = ("NOSUCH12", "<script>alert(1)</script>", "\0", "x" * 1000)

    pages = [invitation(client, code) for code in unknown]

    assert "has been used as often as it may be" in invitation(client, alice.code)
    assert all("There is no invitation" in page for page in pages)
    assert not any("<script>alert" in page for page in pages)
    assert client.post("/signup", FORM).status_code == 200
    assert bob().referred_by_code is None


def test_who_has_an_account_reads_what_the_code_is_to_them(
    alice: Person, bob: Person, charlie: Person
) -> None:
    said = {each.user: invitation(by_link(each.user), alice.code) for each in (alice, bob, charlie)}

    assert "This is your own invitation" in said[alice.user]
    assert "You signed up by this invitation of <bdi>alice</bdi>" in said[bob.user]
    assert "You can add it on your dashboard" in said[charlie.user]


def test_the_code_survives_a_detour_for_thirty_days(client: Client, alice: Person) -> None:
    invitation(client, alice.code)

    client.get("/")
    assert "<bdi>alice</bdi> invites you" in text(client.get("/signup"))
    cookie = client.cookies["invitation"]
    assert (cookie["max-age"], cookie["httponly"], cookie["samesite"]) == (2592000, True, "Lax")
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        assert "invites you" not in text(client.get("/signup"))
    client.cookies["invitation"] = alice.code  # which we did not sign
    assert "invites you" not in text(client.get("/signup"))


def test_an_error_in_the_form_keeps_what_was_typed(client: Client, alice: Person) -> None:
    page = text(client.post("/signup", {**FORM, "username": "b b", "referral_code": alice.code}))

    assert "<bdi>alice</bdi> invites you" in page
    assert 'value="bob@example.com"' in page
    assert "<bdi>alice</bdi> invites you" in text(client.get("/signup"))


@pytest.mark.parametrize("is_removed", [False, True])
def test_a_wrong_code_is_an_error_that_can_be_corrected_or_removed(
    client: Client, alice: Person, is_removed: bool
) -> None:
    invitation(client, alice.code)
    wrong = client.post("/signup", {**FORM, "referral_code": "NOSUCH12"})
    assert "There is no such code" in text(wrong)
    assert not User.objects.filter(username="bob").exists()

    code = "" if is_removed else f" {alice.code.lower()} "
    client.post("/signup", {**FORM, "referral_code": code})
    assert bob().referred_by_code == (None if is_removed else alice.code)


def test_signing_up_shows_a_key_that_works_and_is_kept_nowhere_and_logs_in(
    client: Client, alice: Person
) -> None:
    response = client.post("/signup", {**FORM, "referral_code": alice.code})

    key = response.context["registration"].api_key
    assert f">{key}</code>" in text(response)
    assert f'Bearer {key}" http://testserver/user/balance</code>' in text(response)
    assert "no-store" in response["Cache-Control"]
    assert api_with(key).get("/user/balance").json()["username"] == "bob"
    assert client.get("/dashboard").status_code == 200
    assert (bob().auth_method, bob().referred_by_code) == ("email", alice.code)
    assert "invitation" not in [name for name, each in client.cookies.items() if each.value]
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(session_data, '') FROM django_session")
        [data] = cursor.fetchone()
    assert key not in f"{client.session.items()} {data} {client.cookies}"


@pytest.mark.parametrize(("asked", "kept"), [({}, "username"), ("hidden", "hidden")])
def test_the_referrer_sees_what_was_chosen(
    client: Client, alice: Person, asked: Any, kept: str
) -> None:
    chosen = {"show_to_referrer": asked} if asked else {}

    client.post("/signup", {**FORM, "referral_code": alice.code} | chosen)

    assert bob().show_to_referrer == kept


def test_sending_the_form_again_makes_no_second_account(client: Client, db: None) -> None:
    client.post("/signup", FORM)

    again = client.post("/signup", FORM)

    assert again.status_code == 200
    assert "You are logged in as <bdi>bob</bdi>" in text(again)
    assert (User.objects.count(), ApiKey.objects.count()) == (1, 1)


def test_another_site_signs_nobody_up(db: None) -> None:
    response = Client(enforce_csrf_checks=True).post("/signup", FORM)

    assert response.status_code == 403
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("taken", "sentence"),
    [
        ({"username": "ALICE"}, "Somebody has this already"),
        ({"email": "Alice@Example.com"}, "Somebody has this already"),
        ({"username": "аlice"}, "letters of different alphabets".capitalize()),
        ({"email": "no address"}, "Enter a valid email address"),
        ({"username": ""}, "This field is required"),
    ],
)
def test_what_is_wrong_is_said_at_the_field(
    client: Client, alice: Person, taken: dict[str, str], sentence: str
) -> None:
    page = text(client.post("/signup", FORM | taken))

    assert sentence in page
    assert 'aria-invalid="true"' in page
    assert User.objects.count() == 1


def test_it_shares_the_limit_of_registration_by_the_api(
    client: Client, db: None, settings: Any
) -> None:
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"register": (2, timedelta(hours=1))}
    body = {"username": "dora", "email": "dora@example.com", "auth_method": "email"}
    client.post("/auth/register", body, content_type="application/json")
    client.post("/signup", {**FORM, "username": "b b"})

    response = client.post("/signup", FORM)

    assert response.status_code == 429
    assert "Try again in 60 minutes" in text(response)
    assert 'value="bob@example.com"' in text(response)
    assert not User.objects.filter(username="bob").exists()


@pytest.mark.parametrize("is_logged_in", [False, True])
def test_it_shares_the_limit_of_validation(
    alice: Person, settings: Any, is_logged_in: bool
) -> None:
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"validate": (1, timedelta(minutes=1))}
    browser = logged_in(alice.user) if is_logged_in else Client()

    first, second = (browser.get("/signup", {"ref": code}) for code in ("AAAA", "BBBB"))

    assert (first.status_code, second.status_code) == (200, 429)
    assert second["Retry-After"] == "60"


def test_a_visitor_counts_once_a_day(client: Client, alice: Person) -> None:
    for _ in range(3):
        invitation(client, alice.code)
    Client(REMOTE_ADDR="192.0.2.7").get("/signup", {"ref": alice.code})

    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(views) FROM invite_views WHERE user_id = %s", [alice.user.pk])
        assert cursor.fetchone() == (2,)
    assert LimitWindow.objects.exists()


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "\u202egnirts", "w" * 150])
def test_a_hostile_name_is_text(client: Client, alice: Person, name: str) -> None:
    User.objects.filter(pk=alice.user.pk).update(username=name)

    page = invitation(client, alice.code)

    assert "<script>alert" not in page
    assert page.count("<bdi>") == page.count("</bdi>") == 2


def test_a_link_that_is_shared_shows_a_picture(client: Client, alice: Person) -> None:
    page = invitation(client, alice.code)

    assert '<meta property="og:title" content="alice invites you to Gatewayz">' in page
    assert '<meta property="og:image" content="http://testserver/static/site/share.png">' in page


def test_who_is_logged_in_may_log_out_to_sign_up(alice: Person) -> None:
    browser = logged_in(alice.user)

    response = browser.post("/logout", {"next": "/signup"})

    assert response["Location"] == "/signup"


@pytest.mark.parametrize("path", ["/", "/signup?ref={code}"])
def test_no_page_weighs_more_than_60_kb(client: Client, alice: Person, path: str) -> None:
    page = client.get(path.format(code=alice.code)).content

    files = [finders.find(f"site/{name}") for name in ("pages.css", "pages.js", "favicon.svg")]
    assert len(page) + sum(Path(str(file)).stat().st_size for file in files) < 60_000
