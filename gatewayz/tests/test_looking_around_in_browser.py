"""Operators look around at the desk in a real browser: log in, find, sort, follow, take along."""

import csv
from base64 import b32decode
from typing import Any

import pytest
from django_otp.oath import totp
from playwright.sync_api import expect

from accounts.models import AuditEntry, User
from accounts.tests.factories import Person, member_of
from gatewayz.tests.desk_browser import Desk, asked
from payments.tests.stripe_events import refer, settle, turn
from referrals.models import Referral
from referrals.tests.terms import new_terms

pytestmark = pytest.mark.browser

REFERRALS = "/admin/referrals/referral/"
PASSWORD = "correct horse"


@pytest.fixture
def sam_with_a_password(settings: Any, db: None) -> User:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    sam = member_of("Support")
    sam.set_password(PASSWORD)
    sam.save()
    return sam


def log_in(desk: Desk, password: str, code: str = "") -> None:
    desk.window.get_by_label("Username").fill("sam")
    desk.window.get_by_label("Password").fill(password)
    desk.window.get_by_label("Code").fill(code)
    desk.press("Log in")


@pytest.fixture
def held(alice: Person) -> list[Referral]:
    """Two bonuses of Alice's that wait for somebody."""
    refer(alice, 2)
    referrals = list(Referral.objects.order_by("pk"))
    for referral in referrals:
        turn(referral, "held")
    return referrals


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


def test_a_person_is_found_by_whatever_is_known(bob: Person, desk: Desk) -> None:
    payment = asked(lambda: settle(bob.user))
    desk.become("Sam")
    desk.open("/admin/accounts/user/")
    prefix = bob.api_key[:12]

    for known in ("BOB@example.com", bob.code.lower(), payment.session_id or "", prefix):
        search = desk.window.get_by_role("searchbox", name="Search:")
        search.fill(known)
        search.press("Enter")
        desk.window.wait_for_url("**q=*")
        expect(desk.window.locator("#result_list .data-row")).to_have_count(1)
        desk.reads("bob@example.com")


def test_the_leaderboard_is_sorted_searched_and_taken_along(
    alice: Person, bob: Person, desk: Desk
) -> None:
    asked(lambda: (settle(bob.user), refer(alice, 1), refer(bob, 1)))
    desk.become("Fiona")
    desk.open("/admin/referrals/standing/")
    desk.follow("30 days")
    desk.window.wait_for_url("**period=30d*")
    desk.follow("Earned")
    desk.window.wait_for_url("**o=*")
    with desk.window.expect_download() as download:
        desk.window.get_by_role("link", name="CSV").click()
    rows = list(csv.DictReader(download.value.path().read_text().splitlines()))
    desk.window.get_by_role("searchbox").fill("bob")
    desk.window.get_by_role("searchbox").press("Enter")

    expect(desk.window.locator("#result_list .data-row")).to_have_count(1)
    assert [row["username"] for row in rows] == ["alice", "bob"]
    assert "exported" in asked(actions)


def test_a_figure_leads_to_what_it_counts(alice: Person, desk: Desk) -> None:
    asked(lambda: refer(alice, 2))
    desk.become("Fiona")
    desk.open("/admin/")
    desk.window.get_by_role("link", name="7 days").click()
    desk.reads("$40.00")

    desk.window.get_by_role("link", name="Bonuses paid").click()

    expect(desk.window.locator("#result_list .data-row")).to_have_count(4)
    desk.look()


def test_with_a_second_factor_a_password_alone_opens_nothing(
    sam_with_a_password: User, desk: Desk
) -> None:
    desk.open("/admin/second-factor/")
    log_in(desk, "wrong horse")
    expect(desk.window.get_by_text("Please enter the correct")).to_be_visible()
    log_in(desk, PASSWORD)
    desk.press("Set it up")
    key = b32decode(desk.window.locator("#content .desk-code").inner_text().replace(" ", ""))
    desk.fill("Code", f"{totp(key):06}")
    desk.press("Turn it on")
    desk.reads("The second factor is on.")

    desk.window.get_by_role("button", name="sam@example.com").click()
    desk.press("Log out")
    desk.open("/admin/")
    log_in(desk, PASSWORD)
    expect(desk.window.get_by_text("also needs the code from your app")).to_be_visible()
    log_in(desk, PASSWORD, f"{totp(key, drift=1):06}")

    expect(desk.window.get_by_role("heading", name="Overview")).to_be_visible()


def test_support_is_not_offered_what_is_not_hers(held: list[Referral], desk: Desk) -> None:
    asked(new_terms)
    desk.become("Sam")

    for page in (f"{REFERRALS}review/", f"{REFERRALS}{held[0].pk}/change/"):
        desk.open(page)
        desk.lacks("Release…")
        desk.lacks("Release: pay both")
        desk.lacks("Void: pay nobody")
        desk.reads("Colleagues of Finance")
    desk.open("/admin/referrals/program/")
    desk.lacks("Next terms")
    desk.lacks("Withdraw")
    desk.open("/admin/payments/stripeevent/")
    expect(desk.window.locator("input.action-select")).to_have_count(0)
    desk.open("/admin/referrals/standing/")
    desk.lacks("CSV")


def test_finance_is_not_offered_what_is_not_hers(alice: Person, desk: Desk) -> None:
    desk.become("Fiona")
    desk.open(f"/admin/accounts/user/{alice.user.pk}/change/")

    for button in ("Revoke…", "Rotate…", "Save"):
        desk.lacks(button)
