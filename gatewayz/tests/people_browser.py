"""What people do in a browser, on our pages and on Stripe's."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from django.conf import settings
from playwright.sync_api import Page, expect

from accounts.tests.factories import Person, logged_in


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def another_origin(folder: Path) -> Iterator[str]:
    """Serve what is in the folder, on a port of its own; give the address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def log_in(window: Page, person: Person, address: str) -> None:
    """Go on as this person."""
    name = settings.SESSION_COOKIE_NAME
    value = logged_in(person.user).cookies[name].value
    window.context.add_cookies([{"name": name, "value": value, "url": address}])


def heading(window: Page) -> Any:
    return expect(window.get_by_role("heading", level=1))


def pay(window: Page) -> None:
    """Fill in Stripe's page and pay."""
    window.get_by_label("Email").fill("bob@example.com")
    window.get_by_label("Card number").fill("4242424242424242")
    window.get_by_label("Expiration").fill("1234")
    window.get_by_label("CVC").fill("123")
    window.get_by_role("button", name=re.compile(r"Pay \$")).click()
