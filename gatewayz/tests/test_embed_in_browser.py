"""A person's stats in a frame of another site."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import RequestFactory
from playwright.sync_api import FrameLocator, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts import tokens
from accounts.tests.factories import Person
from accounts.tokens import Scope
from gatewayz.site import embed
from gatewayz.tests.people_browser import another_origin
from payments.tests.stripe_events import refer


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Serve pages on an origin of their own; called with the HTML, it returns their address."""
    (tmp_path / "favicon.ico").touch()  # which browsers ask every site for
    with another_origin(tmp_path) as address:

        def serve(html: str) -> str:
            (tmp_path / "index.html").write_text(html)
            return address

        yield serve


@pytest.fixture
def snippet(live_server: LiveServer, alice: Person) -> Callable[[str], str]:
    host = live_server.url.removeprefix("http://")
    return lambda token: embed.snippet(RequestFactory().get("/", headers={"Host": host}), token)


def frame(window: Page, address: str) -> FrameLocator:
    window.goto(address)
    return window.frame_locator("iframe")


def test_it_shows_the_stats(
    window: Page, site: Any, snippet: Any, settings: Any, alice: Person
) -> None:
    refer(alice)
    complaints: list[str] = []
    window.on("console", lambda message: complaints.append(message.text))
    address = site(snippet(tokens.create(alice.user, Scope.STATS)))
    settings.EMBED_ORIGINS = [address]

    shown = frame(window, address)

    expect(shown.locator("#code")).to_have_text(alice.code)
    expect(shown.locator("#used")).to_have_text("1 of 10")
    expect(shown.locator("#earned")).to_have_text("$10.00")
    assert complaints == []
    assert window.context.cookies() == []


def test_a_token_that_has_ended_is_said_and_the_next_one_read(
    window: Page, site: Any, snippet: Any, settings: Any, alice: Person
) -> None:
    address = site(snippet("gw_temp_read.1.1.ended.x"))
    settings.EMBED_ORIGINS = [address]

    shown = frame(window, address)
    expect(shown.get_by_role("status")).to_have_text("This view has ended. Reload the page.")
    token = tokens.create(alice.user, Scope.STATS)
    window.evaluate(
        "token => { const f = document.querySelector('iframe');"
        " f.src = f.src.split('#')[0] + '#' + token; }",
        token,
    )

    expect(shown.locator("#code")).to_have_text(alice.code)


def test_a_site_that_is_not_listed_shows_nothing(
    window: Page, site: Any, snippet: Any, settings: Any, alice: Person
) -> None:
    settings.EMBED_ORIGINS = ["https://partner.example.com"]
    address = site(snippet(tokens.create(alice.user, Scope.STATS)))

    with window.expect_console_message(lambda message: "frame-ancestors" in message.text):
        shown = frame(window, address)

    expect(shown.get_by_text(alice.code)).to_have_count(0)
