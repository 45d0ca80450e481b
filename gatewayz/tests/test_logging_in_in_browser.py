"""Staff log in to the desk in a real browser, by password and second factor, and are locked out."""

from base64 import b32decode
from typing import Any

import pytest
from django_otp.oath import totp
from playwright.sync_api import expect

from accounts.models import AuditEntry, User
from accounts.tests.factories import member_of, with_password
from gatewayz.tests.desk_browser import ON_A_PHONE, Desk

PASSWORD, NEW_PASSWORD = "correct horse", "battery staple 7"


@pytest.fixture
def colleague(db: None) -> User:
    """Sam of Support, with a password."""
    return with_password(member_of("Support"), PASSWORD)


def log_in(desk: Desk, user: User, password: str, code: str = "") -> None:
    desk.window.get_by_label("Username").fill(user.username)
    desk.window.get_by_label("Password").fill(password)
    desk.window.get_by_label("Code").fill(code)
    desk.press("Log in")


def log_out(desk: Desk, user: User) -> None:
    desk.open_menu()
    desk.window.get_by_role("button", name=user.email).click()
    desk.press("Log out")
    desk.open("/admin/")


def reasons() -> list[tuple[str, str]]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", "reason"))


def set_up(desk: Desk) -> bytes:
    """Set up a second factor, and return its key."""
    desk.open("/admin/second-factor/")
    desk.press("Set it up")
    key = b32decode(desk.window.locator("#content .desk-code").inner_text().replace(" ", ""))
    desk.fill("Code", f"{totp(key):06}")
    desk.press("Turn it on")
    desk.reads("The second factor is on.")
    return key


@ON_A_PHONE
def test_with_a_second_factor_a_password_alone_opens_nothing_until_a_backup_code_turns_it_off(
    colleague: User, desk: Desk
) -> None:
    desk.open("/admin/")
    log_in(desk, colleague, PASSWORD)
    key = set_up(desk)
    backup_code = desk.window.locator(".desk-codes .desk-code").first.inner_text()
    log_out(desk, colleague)

    log_in(desk, colleague, PASSWORD)
    expect(desk.window.get_by_text("also needs the code from your app")).to_be_visible()
    log_in(desk, colleague, PASSWORD, f"{totp(key, drift=1):06}")
    expect(desk.window.get_by_role("heading", name="Overview")).to_be_visible()

    desk.open("/admin/second-factor/")
    desk.fill("Code", backup_code)
    desk.fill("Reason", "A new phone")
    desk.press("Turn it off")
    desk.reads("The second factor is off")
    assert reasons()[-1] == ("turn off second factor", "A new phone")


@ON_A_PHONE
def test_the_own_password_is_changed_with_a_reason(colleague: User, desk: Desk) -> None:
    desk.open("/admin/password_change/")
    log_in(desk, colleague, PASSWORD)
    desk.fill("Old password", PASSWORD)
    desk.window.get_by_label("New password").first.fill(NEW_PASSWORD)
    desk.fill("New password confirmation", NEW_PASSWORD)
    desk.fill("Reason", "It was on a note")
    desk.press("Change password")
    log_out(desk, colleague)

    log_in(desk, colleague, NEW_PASSWORD)

    expect(desk.window.get_by_role("heading", name="Overview")).to_be_visible()
    assert reasons() == [("change own password", "It was on a note")]


def test_who_guesses_is_locked_out_until_a_superuser_unlocks(
    colleague: User, desk: Desk, settings: Any
) -> None:
    settings.AXES_FAILURE_LIMIT = 2
    desk.open("/admin/")
    log_in(desk, colleague, "wrong horse")
    expect(desk.window.get_by_text("Please enter the correct")).to_be_visible()
    desk.expects_refusals = True
    log_in(desk, colleague, "wrong cow")
    expect(desk.window.get_by_role("heading", name="Locked")).to_be_visible()

    desk.become("Olivia")
    desk.open("/admin/axes/accessattempt/")
    desk.follow(colleague.username)
    desk.follow("Unlock…")
    desk.fill("Reason", "He rang me")
    desk.press("Unlock")
    desk.reads(f"{colleague.username} can try again.")
    desk.window.context.clear_cookies()
    desk.open("/admin/")
    log_in(desk, colleague, PASSWORD)

    expect(desk.window.get_by_role("heading", name="Overview")).to_be_visible()
    assert reasons() == [("unlock log-in", "He rang me")]
