"""Operators look around at the desk in a real browser: find, sort, follow, take along."""

import csv

import pytest
from playwright.sync_api import expect

from accounts.models import AuditEntry
from accounts.tests.factories import Person
from gatewayz.tests.desk_browser import BOTH, FIONA, SAM, Desk
from payments.tests.stripe_events import refer, settle

LEADERBOARD = "/admin/referrals/leaderboardentry/"


def search(desk: Desk, known: str) -> None:
    box = desk.window.get_by_role("searchbox", name="Search:")
    box.fill(known)
    box.press("Enter")
    desk.window.wait_for_url("**q=*")


def one_row(desk: Desk) -> None:
    expect(desk.window.locator("#result_list .data-row")).to_have_count(1)


@pytest.mark.parametrize(
    ("who", "desk", "key"), [(*SAM, "/"), (*FIONA, "Control+k")], indirect=["desk"]
)
def test_anybody_is_found_from_any_page_without_a_click(
    bob: Person, desk: Desk, who: str, key: str
) -> None:
    payment = settle(bob.user)
    desk.become(who)
    desk.open("/admin/payments/stripeevent/")

    desk.window.keyboard.press(key)
    desk.window.keyboard.type("ob@exam")
    hits = desk.window.locator("#desk-found")
    expect(hits).to_contain_text("bob@example.com")
    desk.look()
    desk.window.keyboard.press("ArrowDown")
    desk.window.keyboard.press("Enter")
    desk.window.wait_for_url(f"**/accounts/user/{bob.user.pk}/change/")

    desk.find(str(payment.payment_intent_id))
    desk.reads(f"Payment #{payment.pk}")
    assert desk.clicks == 0


@BOTH
def test_the_leaderboard_is_sorted_and_searched(
    alice: Person, bob: Person, desk: Desk, who: str
) -> None:
    settle(bob.user)
    refer(alice, 1)
    refer(bob, 1)
    desk.become(who)
    desk.open(LEADERBOARD)
    desk.follow("30 days")
    desk.window.wait_for_url("**period=30d*")
    if not desk.is_phone:  # There the table has no head to click on.
        desk.follow("Earned")
        desk.window.wait_for_url("**o=*")
    search(desk, "bob")

    one_row(desk)


def test_finance_takes_along_what_the_list_shows_and_says_what_for(
    alice: Person, bob: Person, desk: Desk
) -> None:
    refer(alice, 1)
    refer(bob, 1)
    desk.become("Fiona")
    desk.open(f"{LEADERBOARD}?q=bob")

    desk.follow("Export…")
    desk.fill("Reason", "The newsletter")
    with desk.window.expect_download() as download:
        desk.window.get_by_role("button", name="Export", exact=True).click()

    with open(download.value.path()) as text:
        assert [row["username"] for row in csv.DictReader(text)] == ["bob"]
    taken = AuditEntry.objects.get(action="export leaderboard")
    assert (taken.who, taken.reason) == ("fiona", "The newsletter")


def test_a_bar_of_a_chart_leads_to_its_day(alice: Person, desk: Desk) -> None:
    refer(alice, 2)
    desk.become("Sam")
    desk.open("/admin/?days=7")
    chart = desk.window.locator(".front-chart").nth(1)
    chart.scroll_into_view_if_needed()
    size = chart.bounding_box()
    assert size

    # Today's is the last of seven bars, and the only one.
    chart.click(position={"x": size["width"] - 30, "y": size["height"] / 2})
    desk.window.wait_for_url("**bonus_decision=qualifying**")

    expect(desk.window.locator("#result_list .data-row")).to_have_count(2)
    desk.look()
