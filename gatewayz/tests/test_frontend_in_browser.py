"""The example front end, in a browser, on another origin than the API."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts import tokens
from accounts.tests.factories import Person
from accounts.tokens import Scope
from gatewayz.tests import frontend
from gatewayz.tests.people_browser import another_origin
from payments.tests.stripe_events import refer


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the page is served, on a port of its own."""
    with another_origin(frontend.built(tmp_path_factory.mktemp("frontend"))) as address:
        yield address


def show(window: Page, origin: str, api: str, token: str) -> list[str]:
    """Open the page, and return what the browser complains of from then on."""
    complaints: list[str] = []
    window.on("console", lambda message: complaints.append(message.text))
    window.goto(origin)
    window.get_by_label("API").fill(api)
    window.get_by_label("Token").fill(token)
    window.get_by_role("button", name="Show").click()
    return complaints


def test_it_shows_code_and_stats_and_asks_about_a_code(
    origin: str, live_server: LiveServer, window: Page, settings: Any, alice: Person
) -> None:
    settings.CORS_ALLOWED_ORIGINS = [origin]
    [friend] = refer(alice)

    complaints = show(window, origin, live_server.url, tokens.create(alice.user, Scope.READ))

    expect(window.locator("#code")).to_have_text(alice.code)
    expect(window.locator("#link")).to_contain_text(f"/signup?ref={alice.code}")
    expect(window.locator("#used")).to_have_text("1 / 10")
    expect(window.locator("#earned")).to_have_text("$10.00")
    expect(window.locator("#referrals li")).to_have_text(f"{friend.user.username} - $10.00")
    for code, answer in [(alice.code, "valid"), ("NOSUCH00", "not valid")]:
        window.get_by_label("Is this code valid?").fill(code)
        window.get_by_role("button", name="Ask").click()
        expect(window.locator("#answer")).to_have_text(answer)
    assert complaints == []
    assert window.context.cookies() == []


def test_a_refusal_can_be_read(
    origin: str, live_server: LiveServer, window: Page, settings: Any, alice: Person
) -> None:
    settings.CORS_ALLOWED_ORIGINS = [origin]

    show(window, origin, live_server.url, "gw_temp_read.1.1.x.y")

    expect(window.get_by_role("alert")).to_have_text("Invalid API key.")


def test_another_origin_reads_nothing(
    origin: str, live_server: LiveServer, window: Page, settings: Any, alice: Person
) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example.com"]

    show(window, origin, live_server.url, tokens.create(alice.user, Scope.READ))

    expect(window.get_by_role("alert")).to_have_text("Failed to fetch")
    expect(window.locator("#code")).to_be_empty()
