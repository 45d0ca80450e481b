"""Bob signs up and logs in with a real browser: by mouse, by keyboard alone, without JavaScript."""

from typing import Literal

import pytest
from django.core.mail import EmailMultiAlternatives
from playwright.sync_api import Page, expect

from accounts import log_in_links
from accounts.models import User
from accounts.tests.factories import Person
from gatewayz.site.tasks import send_log_in_link
from gatewayz.tests.accessibility import assert_accessible
from gatewayz.tests.desk_browser import DESKTOP, SMALL_PHONE, Desk
from gatewayz.tests.test_log_in import jobs, link_in

ON_BOTH = pytest.mark.parametrize("visitor", [SMALL_PHONE, DESKTOP], indirect=True)
HOSTILE = "<script>alert(1)</script>\u202e" + "w" * 120


def bob_is_invited_by(alice: Person) -> bool:
    return User.objects.get(username="bob").referred_by_code == alice.code


@ON_BOTH
def test_bob_signs_up_by_mouse_and_keeps_his_key(visitor: Desk, alice: Person) -> None:
    visitor.open(f"/signup?ref={alice.code}")
    visitor.fill("User name", "bob")
    visitor.fill("E-mail address", "bob@example.com")
    visitor.press("Create my account")

    expect(visitor.window.get_by_role("heading", level=1)).to_have_text("Welcome, bob")
    assert_accessible(visitor.window)
    visitor.window.get_by_role("button", name="Copy").first.click()
    expect(visitor.window.get_by_role("button", name="Copied")).to_be_visible()
    visitor.window.get_by_role("link", name="I have kept it").click()
    expect(visitor.window.get_by_role("heading", level=1)).to_have_text("Hello bob")
    assert bob_is_invited_by(alice)


def test_bob_signs_up_without_javascript(plain_window: Page, alice: Person) -> None:
    plain_window.goto(f"/signup?ref={alice.code}")
    plain_window.get_by_label("User name").fill("bob")
    plain_window.get_by_label("E-mail address").fill("bob@example.com")
    plain_window.get_by_role("button", name="Create my account").click()

    expect(plain_window.locator("#api-key")).to_contain_text("gw_live_")
    expect(plain_window.get_by_role("button", name="Copy")).to_have_count(0)
    assert bob_is_invited_by(alice)


def test_bob_logs_in_and_out_without_javascript(
    plain_window: Page, bob: Person, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    plain_window.goto("/login")
    plain_window.get_by_label("E-mail address").fill("bob@example.com")
    plain_window.get_by_role("button", name="Send me a link").click()
    expect(plain_window.get_by_role("heading", level=1)).to_have_text("Look in your mail")

    for args in jobs():
        send_log_in_link(**args)
    plain_window.goto(link_in(mailoutbox[0]))
    plain_window.get_by_role("button", name="Log in").click()
    expect(plain_window.get_by_role("heading", level=1)).to_have_text("Hello bob")

    plain_window.get_by_role("button", name="Log out").click()
    expect(plain_window.get_by_role("link", name="Log in").first).to_be_visible()


def test_bob_logs_in_by_keyboard_alone(visitor: Desk, bob: Person) -> None:
    visitor.open(f"/login/link?token={log_in_links.create_token(bob.user)}")

    visitor.window.keyboard.press("Enter")

    expect(visitor.window.get_by_role("heading", level=1)).to_have_text("Hello bob")


@ON_BOTH
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_every_page_is_sound_and_accessible(
    visitor: Desk, alice: Person, bob: Person, colours: Literal["light", "dark"]
) -> None:
    User.objects.filter(pk=alice.user.pk).update(username=HOSTILE)
    token = log_in_links.create_token(bob.user)
    visitor.window.emulate_media(color_scheme=colours)
    visitor.expects_refusals = True

    for path in ("/", f"/signup?ref={alice.code}", "/signup?ref=NOSUCH12", "/login", "/login/sent"):
        visitor.open(path)
        assert_accessible(visitor.window)
    for path in ("/login/link?token=x", "/nothing/here", f"/login/link?token={token}"):
        visitor.window.goto(visitor.address + path)
        visitor.look()
        assert_accessible(visitor.window)
    visitor.press("Log in")
    assert_accessible(visitor.window)
    visitor.open(f"/signup?ref={bob.code}")
    assert_accessible(visitor.window)


@ON_BOTH
def test_a_form_with_errors_is_accessible(visitor: Desk, alice: Person) -> None:
    visitor.open("/signup")
    visitor.fill("User name", "b b")
    visitor.fill("E-mail address", "alice@example.com")
    visitor.fill("Invitation code", "NOSUCH12")
    visitor.press("Create my account")

    expect(visitor.window.locator(".error-text")).to_have_count(2)
    assert_accessible(visitor.window)
