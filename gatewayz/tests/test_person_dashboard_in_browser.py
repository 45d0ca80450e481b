"""The pages of a person in a real browser: by mouse, by keyboard alone, without JavaScript."""

from typing import Literal

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts import api_keys, emails
from accounts.models import User
from accounts.preferences import EmailKind
from accounts.tests.factories import Person, give, register
from gatewayz.tests.accessibility import assert_accessible
from gatewayz.tests.desk_browser import DESKTOP, SMALL_PHONE, Desk
from gatewayz.tests.people_browser import heading, log_in, pay
from payments.models import Payment
from payments.sandbox.deliveries import deliver_due
from payments.tests.stripe_events import deliver, pending_payment, refer, refund, settle, turn
from referrals.models import Referral

ON_A_PHONE = pytest.mark.parametrize("visitor", [SMALL_PHONE], indirect=True)
HOSTILE = "<script>alert(1)</script>\u202e" + "W" * 120


def in_every_state(alice: Person, bob: Person) -> list[str]:
    """Give Alice friends in every state, one with a hostile name, and Bob a debt and payments.

    Return the pages of Bob's that look different.
    """
    User.objects.filter(pk=register("eve", code=alice.code).user.pk).update(username=HOSTILE)
    for referee, status in zip(refer(alice, 3), ("held", "reversed", "voided"), strict=True):
        turn(Referral.objects.get(referred_user=referee.user), status)
    waits, paid, fails = pending_payment(bob.user), settle(bob.user), pending_payment(bob.user)
    Payment.objects.filter(pk=fails.pk).update(status="failed")
    give(bob, "-20.00")
    deliver(refund(paid, 1000))
    back = "/payment/success?session_id="
    sessions = f"{waits.session_id}&looks=20", paid.session_id, fails.session_id, waits.session_id
    return ["/dashboard", "/payment/cancel", *(f"{back}{session}" for session in sessions)]


@pytest.mark.parametrize("visitor", [SMALL_PHONE, DESKTOP], indirect=True)
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_every_page_is_sound_and_accessible(
    visitor: Desk, alice: Person, bob: Person, front: str, colours: Literal["light", "dark"]
) -> None:
    returns = in_every_state(alice, bob)
    visitor.window.emulate_media(color_scheme=colours)
    key = api_keys.valid_keys(alice.user, now=timezone.now()).get()
    own = (
        *("/dashboard", "/dashboard/statement", "/dashboard/friends", "/dashboard/buy"),
        *("/dashboard/claim", "/account", f"/account/keys/{key.pk}/revoke", "/account/erase"),
    )
    unsubscribe = emails.unsubscribe_link(alice.user, EmailKind.BONUS_EARNED)

    for person, paths in ((alice, [*own, unsubscribe.removeprefix(front)]), (bob, returns)):
        log_in(visitor.window, person, front)
        for path in paths:
            visitor.open(path)
            for summary in visitor.window.locator("summary").all():
                summary.click()
            assert_accessible(visitor.window)


@ON_A_PHONE
def test_bob_buys_another_amount_and_waits_for_what_he_got(
    visitor: Desk, bob: Person, front: str
) -> None:
    log_in(visitor.window, bob, front)
    visitor.open("/dashboard")
    expect(visitor.window.get_by_label("Other amount")).to_be_hidden()
    visitor.window.get_by_text("Other", exact=True).click()
    visitor.fill("Other amount", "12.34")
    visitor.press("Buy credits")
    pay(visitor.window)
    heading(visitor.window).to_have_text("Waiting for the payment")

    deliver_due(timezone.now())

    heading(visitor.window).to_have_text("You got $22.34")
    visitor.look()
    visitor.window.get_by_role("link", name="To the dashboard").click()
    expect(visitor.window.get_by_text("$22.34").first).to_be_visible()


@ON_A_PHONE
def test_alice_copies_her_link(visitor: Desk, alice: Person, front: str) -> None:
    log_in(visitor.window, alice, front)
    visitor.open("/dashboard")

    visitor.window.get_by_role("button", name="Copy the link").click()

    expect(visitor.window.get_by_role("button", name="Copied")).to_be_visible()
    copied = visitor.window.evaluate("navigator.clipboard.readText()")
    assert copied == f"{front}/signup?ref={alice.code}"


def test_alice_makes_and_revokes_a_key_by_keyboard_alone(
    visitor: Desk, alice: Person, front: str
) -> None:
    log_in(visitor.window, alice, front)
    keyboard = visitor.window.keyboard
    visitor.open("/account")

    unseen = visitor.tab_to("name")
    keyboard.type("My program")
    unseen += visitor.tab_to("Make a key")
    keyboard.press("Enter")
    expect(visitor.window.locator("#new-key")).to_contain_text("gw_live_")
    assert_accessible(visitor.window)
    prefix = visitor.window.locator("#new-key").inner_text()[:12]
    revoke = visitor.window.get_by_role("button", name=f"Revoke {prefix}")
    unseen += visitor.tab_to(revoke.inner_text().strip())
    keyboard.press("Enter")

    expect(visitor.window.get_by_role("status")).to_contain_text("is revoked")
    assert unseen == []


def test_everything_works_without_javascript(plain_window: Page, bob: Person, front: str) -> None:
    log_in(plain_window, bob, front)
    plain_window.goto("/dashboard")
    expect(plain_window.get_by_role("button", name="Copy")).to_have_count(0)
    plain_window.get_by_text("Why no bonus?").click()
    expect(plain_window.get_by_text("You were invited.")).to_be_visible()

    plain_window.get_by_role("button", name="Buy credits").click()
    pay(plain_window)
    heading(plain_window).to_have_text("Waiting for the payment")
    deliver_due(timezone.now())
    heading(plain_window).to_have_text("You got $20.00")

    plain_window.goto("/account")
    plain_window.get_by_text("my initials").click()
    plain_window.get_by_role("button", name="Save").click()
    expect(plain_window.get_by_role("status")).to_contain_text("saved")
