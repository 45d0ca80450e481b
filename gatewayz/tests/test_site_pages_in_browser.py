"""What a person sees in a real browser: the documentation, and Bob paying for his credits."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import ConsoleMessage, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.tests.factories import Person

pytestmark = pytest.mark.browser


@pytest.fixture
def complaints(window: Page) -> list[str]:
    """What the browser's console holds against the pages, and which other hosts they ask."""
    found: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            found.append(message.text)

    def note_host(request: Any) -> None:
        if urlsplit(request.url).hostname not in ("localhost", "127.0.0.1", None):
            found.append(request.url)

    window.on("console", note)
    window.on("request", note_host)
    return found


@pytest.mark.parametrize("width", [1280, 390])
def test_the_documentation_lists_the_api_and_loads_nothing_from_elsewhere(
    live_server: LiveServer, window: Page, complaints: list[str], width: int
) -> None:
    window.set_viewport_size({"width": width, "height": 800})

    window.goto(f"{live_server.url}/api/docs")

    expect(window.get_by_text("Register, and get an API key")).to_be_visible()
    assert complaints == []


def test_the_documentation_can_be_tried(
    live_server: LiveServer, window: Page, complaints: list[str]
) -> None:
    window.goto(f"{live_server.url}/api/docs")

    window.get_by_text("Is the process up?").click()
    window.get_by_role("button", name="Try it out").click()
    window.get_by_role("button", name="Execute").click()

    expect(window.get_by_text("Response body")).to_be_visible()
    expect(window.locator(".live-responses-table tbody .response-col_status")).to_contain_text(
        "200"
    )
    assert complaints == []


@pytest.fixture
def checkout_url(live_server: LiveServer, sandbox: str, settings: Any, bob: Person) -> str:
    """The page on which Bob pays $10, and that leads back to the program."""
    settings.STRIPE_SANDBOX_WEBHOOK_URL = f"{live_server.url}/api/stripe/webhook"
    settings.FRONTEND_URL = live_server.url
    order = {"amount": 1000, "currency": "usd"}
    made = bob.api.post("/api/stripe/checkout-session", order, format="json")
    url: str = made.json()["url"]
    return url


def test_bob_pays_and_comes_back_to_a_thank_you(
    checkout_url: str, window: Page, complaints: list[str]
) -> None:
    window.goto(checkout_url)
    window.get_by_label("Email").fill("bob@example.com")
    window.get_by_label("Card number").press_sequentially("4242424242424242")
    window.get_by_label("Expiration").press_sequentially("1234")
    window.get_by_label("CVC").press_sequentially("123")
    window.get_by_role("button", name="Pay $10.00").click()

    expect(window.get_by_role("heading", name="Thank you")).to_be_visible()
    assert complaints == []


@pytest.mark.parametrize("path", ["/", "/payment/success", "/payment/cancel", "/nothing/here"])
def test_a_page_is_plain_and_loads_nothing_from_elsewhere(
    live_server: LiveServer, window: Page, complaints: list[str], path: str
) -> None:
    window.goto(f"{live_server.url}{path}")

    expect(window.get_by_role("heading")).to_be_visible()
    assert [text for text in complaints if "404" not in text] == []
