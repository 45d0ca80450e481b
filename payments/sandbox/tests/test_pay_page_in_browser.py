"""The payment page in a real browser, whose rules for forms and redirects curl does not have."""

from typing import Literal
from urllib.parse import urlsplit

import pytest
import stripe
from playwright.sync_api import Page, expect

from gatewayz.tests.accessibility import findings
from payments.sandbox.tests.conftest import in_its_own_tables, new_session_parameters

pytestmark = in_its_own_tables


@pytest.fixture
def opened(client: stripe.StripeClient, sandbox: str) -> stripe.checkout.Session:
    """A session whose payer returns to another origin: `localhost` is not `127.0.0.1`."""
    elsewhere = sandbox.replace("127.0.0.1", "localhost")
    sent = new_session_parameters(success_url=f"{elsewhere}/?paid={{CHECKOUT_SESSION_ID}}")
    return client.v1.checkout.sessions.create(params=sent)


def test_a_payer_is_declined_then_pays_and_is_led_back(
    opened: stripe.checkout.Session, window: Page
) -> None:
    hosts: set[str] = set()
    window.on("request", lambda request: hosts.add(str(urlsplit(request.url).hostname)))
    window.goto(str(opened.url))
    window.get_by_label("Email").fill("bob@example.com")
    window.get_by_label("Card number").press_sequentially("4000000000000002")
    window.get_by_label("Expiration").press_sequentially("1234")
    window.get_by_label("CVC").press_sequentially("123")
    expect(window.get_by_label("Card number")).to_have_value("4000 0000 0000 0002")
    expect(window.get_by_label("Expiration")).to_have_value("12 / 34")

    window.get_by_role("button", name="Pay $10.00").click()
    expect(window.get_by_text("Your card was declined.")).to_be_visible()
    window.get_by_label("Card number").press_sequentially("378282246310005")
    expect(window.get_by_label("Card number")).to_have_value("3782 822463 10005")
    window.get_by_label("CVC").press_sequentially("1234")
    window.get_by_role("button", name="Pay $10.00").click()

    window.wait_for_url(f"**/?paid={opened.id}")
    assert hosts == {"127.0.0.1", "localhost"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_its_pages_are_accessible(
    opened: stripe.checkout.Session, sandbox: str, window: Page, scheme: Literal["light", "dark"]
) -> None:
    window.emulate_media(color_scheme=scheme)
    for page in (sandbox, str(opened.url)):
        window.goto(page)

        assert findings(window) == []
