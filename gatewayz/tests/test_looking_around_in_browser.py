"""Operators look around at the desk in a real browser: find, sort, follow, take along."""

import csv

import openpyxl
import pytest
from playwright.sync_api import expect

from accounts.models import AuditEntry
from accounts.tests.factories import Person
from gatewayz.tests.desk_browser import BOTH, FIONA, ON_A_PHONE, SAM, Desk
from payments.tests.stripe_events import refer, settle

pytestmark = pytest.mark.browser

REFERRALS = "/admin/referrals/referral/"
LEADERBOARD = "/admin/referrals/leaderboardentry/"


def search(desk: Desk, known: str) -> None:
    box = desk.window.get_by_role("searchbox", name="Search:")
    box.fill(known)
    box.press("Enter")
    desk.window.wait_for_url("**q=*")


def one_row(desk: Desk) -> None:
    expect(desk.window.locator("#result_list .data-row")).to_have_count(1)


def export(desk: Desk, form: str) -> str:
    """Take the list along as a file, and return where it is."""
    desk.follow("Export…")
    desk.window.get_by_label("Format").select_option(form)
    desk.fill("Reason", "The newsletter")
    with desk.window.expect_download() as download:
        desk.window.get_by_role("button", name="Export", exact=True).click()
    return str(download.value.path())


def exports() -> list[tuple[str, str, str]]:
    taken = AuditEntry.objects.filter(action="export leaderboard").order_by("pk")
    return [(entry.who, entry.reason, entry.after["format"]) for entry in taken]


def test_a_person_is_found_by_whatever_is_known(bob: Person, desk: Desk) -> None:
    payment = settle(bob.user)
    desk.become("Sam")
    desk.open("/admin/accounts/user/")

    for known in ("BOB@example.com", bob.code.lower(), payment.session_id or "", bob.api_key[:12]):
        search(desk, known)
        one_row(desk)
        desk.reads("bob@example.com")


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
def test_the_leaderboard_is_sorted_counted_anew_and_searched(
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
    desk.press("Refresh")
    desk.reads("Leaderboard refreshed.")
    search(desk, "bob")

    one_row(desk)


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_finance_takes_along_what_the_list_shows_and_says_what_for(
    alice: Person, bob: Person, desk: Desk, form: str
) -> None:
    refer(alice, 1)
    refer(bob, 1)
    desk.become("Fiona")
    desk.open(f"{LEADERBOARD}?q=bob")

    file = export(desk, form)

    if form == "csv":
        with open(file) as text:
            names = [row["username"] for row in csv.DictReader(text)]
    else:
        with open(file, "rb") as data:
            head, *rows = openpyxl.load_workbook(data).active.values
            names = [dict(zip(head, row, strict=True))["username"] for row in rows]
    assert names == ["bob"]
    assert exports() == [("fiona", "The newsletter", form)]


@ON_A_PHONE
def test_a_figure_leads_to_what_it_counts(alice: Person, desk: Desk) -> None:
    refer(alice, 2)
    desk.become("Sam")
    desk.open("/admin/")
    desk.window.get_by_role("link", name="7 days").click()
    desk.reads("$40.00")

    desk.window.get_by_role("link", name="Bonuses paid").first.click()

    expect(desk.window.locator("#result_list .data-row")).to_have_count(4)
    desk.look()


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


def test_finance_is_not_offered_what_support_does(alice: Person, desk: Desk) -> None:
    desk.become("Fiona")
    desk.open(f"/admin/accounts/user/{alice.user.pk}/change/")

    for button in ("Revoke…", "Rotate…", "Save"):
        desk.lacks(button)
