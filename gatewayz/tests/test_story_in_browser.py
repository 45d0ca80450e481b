"""Alice and Bob, from the invitation to both reading that they have their bonus."""

import re
from collections.abc import Iterator

import pytest
from django.core import mail
from django.utils import timezone
from playwright.sync_api import Browser, expect

from gatewayz.tests.desk_browser import DESKTOP, SMALL_PHONE, Desk
from gatewayz.tests.people_browser import heading, pay
from payments import email_causes, tasks
from payments.sandbox.deliveries import deliver_due


@pytest.fixture
def people(
    request: pytest.FixtureRequest, chromium: Browser, front: str
) -> Iterator[tuple[Desk, Desk]]:
    """The browsers of Alice and of Bob."""
    people = [Desk(chromium.new_page(), front, {}, request.param) for _ in range(2)]
    yield people[0], people[1]
    for person in people:
        person.window.context.close()
        assert person.faults == []


def link_of(person: Desk) -> str:
    """Return the link on the dashboard, as a path."""
    return person.window.locator("#link").inner_text().removeprefix(person.address)


def read_that_both_have_their_bonus(alice: Desk, bob: Desk) -> None:
    heading(bob.window).to_have_text("You got $20.00")
    expect(bob.window.get_by_text("$10.00 that you paid, and a bonus of $10.00")).to_be_visible()
    bob.open("/dashboard")
    expect(bob.window.get_by_text("You got $10.00 for the invitation")).to_be_visible()
    alice.open("/dashboard")
    expect(alice.window.locator(".balance")).to_contain_text("$10.00")
    expect(alice.window.get_by_text("has bought, and both sides have their bonus")).to_be_visible()


def follow_their_emails(alice: Desk, bob: Desk) -> None:
    """Each reads of the bonus, and comes to the dashboard by the e-mail's link."""
    tasks.send_emails.func(0)
    for person, name in ((alice, "alice"), (bob, "bob")):
        [message] = [
            message
            for message in mail.outbox
            if message.to == [f"{name}@example.com"] and "bonus of $10" in message.subject
        ]
        person.window.goto(re.findall(r"http\S+/dashboard", str(message.body))[0])
        heading(person.window).to_have_text(f"Hello {name}")


@pytest.mark.parametrize("people", [DESKTOP], indirect=True, ids=["desktop"])
def test_by_mouse(people: tuple[Desk, Desk]) -> None:
    email_causes.skip_all()
    alice, bob = people
    for person, name in ((alice, "alice"), (bob, "bob")):
        person.open("/signup" if person is alice else link_of(alice))
        person.fill("User name", name)
        person.fill("E-mail address", f"{name}@example.com")
        person.press("Create my account")
        person.window.get_by_role("link", name="I have kept it").click()
        heading(person.window).to_have_text(f"Hello {name}")
    bob.press("Buy credits")
    pay(bob.window)
    heading(bob.window).to_have_text("Waiting for the payment")

    deliver_due(timezone.now())

    read_that_both_have_their_bonus(alice, bob)
    follow_their_emails(alice, bob)


@pytest.mark.parametrize("people", [SMALL_PHONE], indirect=True, ids=["phone"])
def test_by_keyboard_alone(people: tuple[Desk, Desk]) -> None:
    alice, bob = people
    unseen: list[str] = []

    def go_to(person: Desk, name: str, keys: str = "") -> None:
        unseen.extend(person.tab_to(name))
        person.window.keyboard.type(keys)

    for person, name in ((alice, "alice"), (bob, "bob")):
        person.open("/signup" if person is alice else link_of(alice))
        go_to(person, "username", name)
        go_to(person, "email", f"{name}@example.com\n")
        heading(person.window).to_have_text(f"Welcome, {name}")
        go_to(person, "I have kept it, go to my dashboard", "\n")
        heading(person.window).to_have_text(f"Hello {name}")
    go_to(bob, "Buy credits", "\n")
    heading(bob.window).to_contain_text("$10.00")
    for field, text in (
        ("email", "bob@example.com"),
        ("card_number", "4242424242424242"),
        ("card_expiry", "1234"),
        ("card_cvc", "123\n"),
    ):
        go_to(bob, field, text)
    heading(bob.window).to_have_text("Waiting for the payment")

    deliver_due(timezone.now())

    read_that_both_have_their_bonus(alice, bob)
    assert unseen == []
