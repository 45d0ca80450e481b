"""What a person sees in a real browser: the documentation, and Bob paying for his credits."""

from typing import Literal

import pytest
from playwright.sync_api import expect

from accounts.tests.factories import Person
from gatewayz.tests.accessibility import findings
from gatewayz.tests.desk_browser import Desk
from gatewayz.tests.people_browser import pay


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_documentation_is_accessible(desk: Desk, scheme: Literal["light", "dark"]) -> None:
    desk.window.emulate_media(color_scheme=scheme)
    desk.window.goto(desk.address + "/api/docs")
    expect(desk.window.get_by_text("Register, and get an API key")).to_be_visible(timeout=20_000)

    assert findings(desk.window) == []


def test_the_documentation_can_be_tried(desk: Desk) -> None:
    desk.window.goto(desk.address + "/api/docs")

    desk.window.get_by_text("Is the process up?").click()
    desk.window.get_by_role("button", name="Try it out").click()
    desk.window.get_by_role("button", name="Execute").click()

    expect(desk.window.get_by_text("Response body")).to_be_visible()
    answer = desk.window.locator(".live-responses-table tbody .response-col_status")
    expect(answer).to_contain_text("200")
    assert desk.faults == []


def test_who_pays_without_a_session_comes_back_to_a_thank_you(
    front: str, bob: Person, desk: Desk
) -> None:
    order = {"amount": 1000, "currency": "usd"}
    made = bob.api.post("/api/stripe/checkout-session", order, format="json")
    desk.window.goto(made.json()["url"])

    pay(desk.window)

    expect(desk.window.get_by_role("heading", name="Thank you")).to_be_visible()
    assert desk.faults == []
