"""A person's stats in a frame of another site."""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from django.test import RequestFactory
from playwright.sync_api import FrameLocator, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts import tokens
from accounts.tests.factories import Person
from accounts.tokens import Scope
from gatewayz.site import embed
from payments.tests.stripe_events import refer

pytestmark = pytest.mark.browser


@pytest.fixture
def site() -> Iterator[Callable[[str], str]]:
    """Serve pages on an origin of their own; called with the HTML, it returns their address."""
    page = b""

    class OneForAll(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name that the library calls
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page)

        def log_request(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), OneForAll) as server:
        Thread(target=server.serve_forever, daemon=True).start()

        def serve(html: str) -> str:
            nonlocal page
            page = html.encode()
            return f"http://127.0.0.1:{server.server_port}"

        yield serve
        server.shutdown()


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
