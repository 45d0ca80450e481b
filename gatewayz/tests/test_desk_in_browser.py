"""Every screen of the desk in a real browser, full and empty, as each of those who work there."""

from uuid import uuid4

import pytest
from axes.models import AccessAttempt
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice
from playwright.sync_api import expect

from accounts.tests.factories import Person, give, register
from accounts.tests.test_adjustments import ask
from gatewayz.tests.desk_browser import Desk
from payments.reports import ledger_checks
from payments.tasks import retry_events as a_job
from payments.tests.stripe_events import deliver, event, pending_payment, refund, settle, turn
from referrals.models import Referral
from referrals.tests.factories import ProgramFactory

pytestmark = pytest.mark.browser

SIDEBAR = "#nav-sidebar a[href^='/admin/']"
# What Olivia alone may open; the rest she sees as the others do.
OFFICE = f"{SIDEBAR}:is([href*='/auth/'], [href*='/axes/'], [href*='/otp_totp/'])"
FIRST_ROW = "#result_list a[href*='/change/'], #content .desk-table a[href*='/change/']"


@pytest.fixture
def busy(alice: Person, bob: Person) -> None:
    """One row at least of whatever the desk shows, in the states that look different."""
    now = timezone.now()
    settle(bob.user)
    dora = register("dora", code=alice.code)
    payment = settle(dora.user)
    turn(Referral.objects.get(referred_user=dora.user), "held")
    deliver(refund(payment, 400))
    deliver(event(pending_payment(dora.user), amount_total=999))
    ask(alice, "150.00")
    give(alice, "5.00")
    ProgramFactory.create(is_future=True, budget=500)
    ledger_checks.run(now=now)
    AccessAttempt.objects.create(username="mallory", failures_since_start=10)
    TOTPDevice.objects.create(user=register("erin").user, name="App", key=uuid4().hex)
    a_job.configure().defer(timestamp=0)


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


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize(
    ("who", "is_dark", "where", "at_least"),
    [("Sam", False, SIDEBAR, 24), ("Fiona", True, SIDEBAR, 24), ("Olivia", False, OFFICE, 5)],
)
def test_every_screen_is_without_fault(
    desk: Desk, who: str, is_dark: bool, where: str, at_least: int
) -> None:
    desk.window.emulate_media(color_scheme="dark" if is_dark else "light")
    desk.become(who)

    assert walk(desk, where) >= at_least
    assert desk.faults == []


def test_with_nothing_in_it_every_list_says_so(desk: Desk) -> None:
    desk.become("Fiona")

    walk(desk)

    desk.open("/admin/payments/payment/")
    desk.reads("There is nothing here yet")


def test_the_pages_behind_the_buttons_are_without_fault(alice: Person, desk: Desk) -> None:
    person, key = f"/admin/accounts/user/{alice.user.pk}", alice.user.api_keys.get().pk
    desk.become("Olivia")

    for page in ("why/?amount=10", "statement/", "deactivate/", "password/"):
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


def test_the_menu_leads_everywhere(desk: Desk) -> None:
    desk.become("Sam")
    desk.open("/admin/")

    desk.open_menu()
    desk.window.get_by_role("link", name="Review queue").click()

    expect(desk.window.get_by_role("heading", name="Review queue")).to_be_visible()
