"""What a person sees in a real browser: the documentation, and Bob paying for his credits."""

from typing import Any

import pytest
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from accounts.tests.factories import Person
from gatewayz.tests.desk_browser import DESKTOP, Desk

pytestmark = pytest.mark.browser
WIDE = pytest.mark.parametrize("desk", [DESKTOP], indirect=True)


def test_the_documentation_lists_the_api_and_loads_nothing_from_elsewhere(desk: Desk) -> None:
    desk.window.goto(desk.address + "/api/docs")

    expect(desk.window.get_by_text("Register, and get an API key")).to_be_visible()
    assert desk.faults == []


@WIDE
def test_the_documentation_can_be_tried(desk: Desk) -> None:
    desk.window.goto(desk.address + "/api/docs")

    desk.window.get_by_text("Is the process up?").click()
    desk.window.get_by_role("button", name="Try it out").click()
    desk.window.get_by_role("button", name="Execute").click()

    expect(desk.window.get_by_text("Response body")).to_be_visible()
    answer = desk.window.locator(".live-responses-table tbody .response-col_status")
    expect(answer).to_contain_text("200")
    assert desk.faults == []


@pytest.fixture
def checkout_url(live_server: LiveServer, sandbox: str, settings: Any, bob: Person) -> str:
    """The page on which Bob pays $10, and that leads back to the program."""
    settings.STRIPE_SANDBOX_WEBHOOK_URL = f"{live_server.url}/api/stripe/webhook"
    settings.FRONTEND_URL = live_server.url
    order = {"amount": 1000, "currency": "usd"}
    made = bob.api.post("/api/stripe/checkout-session", order, format="json")
    url: str = made.json()["url"]
    return url


@WIDE
def test_bob_pays_and_comes_back_to_a_thank_you(checkout_url: str, desk: Desk) -> None:
    window = desk.window
    window.goto(checkout_url)
    window.get_by_label("Email").fill("bob@example.com")
    window.get_by_label("Card number").press_sequentially("4242424242424242")
    window.get_by_label("Expiration").press_sequentially("1234")
    window.get_by_label("CVC").press_sequentially("123")
    window.get_by_role("button", name="Pay $10.00").click()

    expect(window.get_by_role("heading", name="Thank you")).to_be_visible()
    assert desk.faults == []


@pytest.mark.parametrize("path", ["/", "/payment/success", "/payment/cancel", "/nothing/here"])
@WIDE
def test_a_page_is_plain_and_loads_nothing_from_elsewhere(desk: Desk, path: str) -> None:
    desk.expects_refusals = "nothing" in path
    desk.window.goto(desk.address + path)

    expect(desk.window.get_by_role("heading", level=1)).to_be_visible()
    assert desk.faults == []
