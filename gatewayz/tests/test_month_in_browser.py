"""The end of a month at the desk: found in two clicks, on a screen and on a phone."""

import pytest
from django.utils import timezone

from accounts.tests.factories import Person, give
from gatewayz.tests.desk_browser import BOTH, Desk
from payments.tests import test_month

history = test_month.history


@pytest.mark.usefixtures("history")
@BOTH
def test_a_month_is_two_clicks_from_the_overview(desk: Desk, who: str) -> None:
    desk.become(who)
    desk.open("/admin/")
    desk.open_menu()  # on a phone alone

    desk.window.locator("#nav-sidebar").get_by_role("link", name="Month").click()
    desk.follow("Aug 2026")

    desk.reads("1 August 2026 to 31 August 2026")
    desk.reads("The lines add up to the closing credit.")


@pytest.mark.usefixtures("history")
def test_finance_closes_any_days_and_downloads_them(desk: Desk) -> None:
    desk.become("Fiona")
    desk.open("/admin/payments/dailytotals/")
    desk.window.get_by_label("From").fill("2026-05-01")
    desk.window.get_by_label("to", exact=True).fill("2026-05-31")
    desk.press("Show")
    desk.reads("$76.00")
    desk.press("Compare with Stripe")
    desk.reads("the worker has no answer yet")

    desk.follow("Export…")
    desk.fill("Reason", "The books of May")
    with desk.window.expect_download() as download:
        desk.window.get_by_role("button", name="Export").click()

    assert download.value.suggested_filename.startswith("month-")


@BOTH
def test_a_list_of_some_days_says_what_it_comes_to(alice: Person, desk: Desk, who: str) -> None:
    give(alice, "12.50")
    today = timezone.now().date().isoformat()
    desk.become(who)
    desk.open(f"/admin/accounts/adjustment/?requested_at_from={today}&requested_at_to={today}")

    desk.reads("1 row, $12.50 in all")

    if who == "Sam":
        desk.lacks("Export…")
        return
    desk.follow("Export…")
    desk.fill("Reason", "The accountant asked")
    with desk.window.expect_download() as download:
        desk.window.get_by_role("button", name="Export").click()
    assert download.value.suggested_filename.startswith("adjustments-")
