"""Fixtures for the desk: what it shows, who works there, and a window to be any of them in."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from axes.models import AccessAttempt
from django.conf import settings
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from accounts.tests.factories import (
    Person,
    colleague,
    give,
    logged_in,
    member_of,
    operator,
    register,
)
from accounts.tests.test_adjustments import approve, ask
from gatewayz.tests.desk_browser import DESKTOP, Desk
from payments.reports import ledger_checks
from payments.tasks import retry_events as a_job
from payments.tests.stripe_events import (
    deliver,
    event,
    pending_payment,
    refer,
    refund,
    settle,
    turn,
)
from referrals.models import Referral
from referrals.tests.factories import ProgramFactory


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


@pytest.fixture
def desk(
    request: pytest.FixtureRequest,
    live_server: LiveServer,
    sessions: dict[str, str],
    window: Page,
) -> Iterator[Desk]:
    """A window whose every page must have been without fault, as wide as a screen or a phone."""
    desk = Desk(window, live_server.url, sessions, getattr(request, "param", DESKTOP))
    yield desk
    assert desk.faults == []


@pytest.fixture
def visitor(
    request: pytest.FixtureRequest, live_server: LiveServer, window: Page
) -> Iterator[Desk]:
    """A window on the pages for people, which must be without fault just as the desk's."""
    window.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visitor = Desk(window, live_server.url, {}, getattr(request, "param", DESKTOP))
    yield visitor
    assert visitor.faults == []


@pytest.fixture
def plain_window(chromium: Browser, live_server: LiveServer) -> Iterator[Page]:
    """A page on which no script runs."""
    context = chromium.new_context(java_script_enabled=False, base_url=live_server.url)
    yield context.new_page()
    context.close()


@pytest.fixture
def front(live_server: LiveServer, sandbox: str, settings: Any) -> str:
    """The address of the program, at which the sandbox's events arrive as well."""
    settings.STRIPE_SANDBOX_WEBHOOK_URL = f"{live_server.url}/api/stripe/webhook"
    settings.FRONTEND_URL = live_server.url
    return live_server.url


@pytest.fixture
def one_of_everything(alice: Person, bob: Person) -> None:
    """One row at least of whatever the desk shows, in the states that look different."""
    deliver(refund(settle(bob.user), 400))
    dora = register("dora", code=alice.code)
    settle(dora.user)
    turn(Referral.objects.get(referred_user=dora.user), "held")
    deliver(event(pending_payment(dora.user), amount_total=999))
    approve(ask(bob, "250.00"))
    ask(alice, "150.00")
    give(alice, "5.00")
    ProgramFactory.create(is_future=True, budget=500)
    ledger_checks.run(now=timezone.now())
    AccessAttempt.objects.create(username="mallory", failures_since_start=10)
    TOTPDevice.objects.create(user=register("erin").user, name="App", key=uuid4().hex)
    a_job.configure().defer(timestamp=0)
