"""Fixtures for the desk in a browser: who works there, and a window in which one is any of them."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from accounts.tests.factories import Person, colleague, logged_in, member_of, operator
from gatewayz.tests.desk_browser import DESKTOP, PHONE, Desk
from payments.tests.stripe_events import refer, turn
from referrals.models import Referral


@pytest.fixture
def sessions(live_server: LiveServer) -> dict[str, str]:
    """Sam of Support, Fiona and Frank of Finance, and Olivia, who may do all; logged in."""
    browsers = {
        "Sam": colleague("Support"),
        "Fiona": colleague("Finance"),
        "Frank": logged_in(member_of("Finance", "frank")),
        "Olivia": operator(),
    }
    name = settings.SESSION_COOKIE_NAME
    return {who: browser.cookies[name].value for who, browser in browsers.items()}


@pytest.fixture
def held(alice: Person) -> list[Referral]:
    """Two bonuses of Alice's that wait for somebody."""
    refer(alice, 2)
    referrals = list(Referral.objects.order_by("pk"))
    for referral in referrals:
        turn(referral, "held")
    return referrals


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def desk(
    request: pytest.FixtureRequest,
    live_server: LiveServer,
    sessions: dict[str, str],
    window: Page,
) -> Iterator[Desk]:
    """A window whose every page must have been without fault, as wide as a screen and a phone."""
    desk = Desk(window, live_server.url, sessions, request.param)
    yield desk
    assert desk.faults == []
