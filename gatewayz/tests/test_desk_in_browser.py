"""Every screen of the desk in a real browser, full and empty, as each of those who work there."""

from typing import Literal

import pytest
from playwright.sync_api import expect

from accounts.tests.factories import Person
from gatewayz.tests.desk_browser import DESKTOP, ON_A_PHONE, PHONE, Desk

SIDEBAR = "#nav-sidebar a[href^='/admin/']"
# What Olivia alone may open; the rest she sees as the others do.
OFFICE = f"{SIDEBAR}:is([href*='/auth/'], [href*='/axes/'], [href*='/otp_totp/'])"
FIRST_ROW = "#result_list a[href*='/change/'], #content .desk-table a[href*='/change/']"


def walk(desk: Desk, where: str = SIDEBAR) -> int:
    """Open what the sidebar links to, and of each list the first row; return how many pages."""
    desk.open("/admin/")
    lists = desk.links(where)
    rows: list[str] = []
    for page in lists:
        desk.open(page)
        rows += desk.links(FIRST_ROW)[:1]
    for page in rows:
        desk.open(page)
    return len(lists) + len(rows)


@pytest.mark.usefixtures("one_of_everything")
@pytest.mark.parametrize(
    ("who", "desk", "colours", "where", "at_least"),
    [
        ("Sam", PHONE, "light", SIDEBAR, 24),
        ("Fiona", DESKTOP, "dark", SIDEBAR, 24),
        ("Olivia", PHONE, "dark", OFFICE, 5),
    ],
    indirect=["desk"],
)
def test_every_screen_is_without_fault(
    desk: Desk, who: str, colours: Literal["light", "dark"], where: str, at_least: int
) -> None:
    desk.window.emulate_media(color_scheme=colours)
    desk.asks_axe = True
    desk.become(who)

    assert walk(desk, where) >= at_least
    assert desk.faults == []


@ON_A_PHONE
def test_with_nothing_in_it_every_list_says_so(desk: Desk) -> None:
    desk.become("Fiona")

    walk(desk)

    desk.open("/admin/payments/payment/")
    desk.reads("There is nothing here yet")


@ON_A_PHONE
def test_the_pages_behind_the_buttons_are_without_fault(alice: Person, desk: Desk) -> None:
    person, key = f"/admin/accounts/user/{alice.user.pk}", alice.user.api_keys.get().pk
    desk.asks_axe = True
    desk.become("Olivia")

    for page in (
        "why/?amount=10",
        "related/",
        "new_key/",
        "statement/",
        "deactivate/",
        "password/",
    ):
        desk.open(f"{person}/{page}")
    for page in ("revoke/", "rotate/"):
        desk.open(f"/admin/accounts/apikey/{key}/{page}")
    for page in ("accounts/user/add/", "accounts/adjustment/add/", "referrals/program/add/"):
        desk.open(f"/admin/{page}")
    for page in ("second-factor/", "password_change/"):
        desk.open(f"/admin/{page}")

    assert desk.faults == []


def test_the_keyboard_alone_reaches_what_a_page_is_for(alice: Person, desk: Desk) -> None:
    desk.become("Sam")
    desk.open(f"/admin/accounts/adjustment/add/?user={alice.user.pk}")

    unseen = desk.tab_to("Preview")

    assert unseen == []


@ON_A_PHONE
def test_the_menu_leads_everywhere(desk: Desk) -> None:
    desk.become("Sam")
    desk.open("/admin/")

    desk.open_menu()
    desk.window.get_by_role("link", name="Review queue").click()

    expect(desk.window.get_by_role("heading", name="Review queue")).to_be_visible()
