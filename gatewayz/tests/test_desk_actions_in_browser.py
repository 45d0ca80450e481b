"""What operators do at the desk, done in a real browser by Sam of Support and Fiona of Finance.

Each does what the own group may, on a screen or on a phone, and is not offered the rest.
"""

from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import ApiKey
from accounts.tests.factories import Person, register
from gatewayz.tests.desk_browser import BOTH, DESKTOP, FIONA, ON_A_PHONE, ON_BOTH, PHONE, SAM, Desk
from payments.tests.stripe_events import (
    failed_event,
    pending_payment,
    quarantined_event,
    refer,
    settle,
)
from referrals.models import Program, Referral

REFERRALS = "/admin/referrals/referral/"
INBOX = "/admin/payments/stripeevent/"


def page_of(person: Person) -> str:
    return f"/admin/accounts/user/{person.user.pk}/change/"


def adjust(desk: Desk, person: Person, amount: str) -> None:
    """Fill in the form, from the person's page, up to the preview."""
    desk.open(page_of(person))
    desk.follow("Adjust balance…")
    desk.fill("Amount in US dollars", amount)
    desk.fill("Reason", "They waited for a week")
    desk.press("Preview")


def decide(desk: Desk, verb: str, reason: str) -> None:
    desk.follow(verb)
    desk.fill("Reason", reason)
    desk.press(verb)


def statuses() -> list[str]:
    return list(Referral.objects.order_by("pk").values_list("status", flat=True))


@BOTH
def test_a_small_adjustment_is_posted_once_however_often_one_clicks_and_is_reversed(
    alice: Person, desk: Desk, who: str
) -> None:
    desk.become(who)
    adjust(desk, alice, "5")
    desk.reads("$0.00 → $5.00")

    desk.window.get_by_role("button", name="Post it").dblclick()
    desk.reads("Posted: $5.00 for alice.")
    assert alice.balance() == "5.00"

    decide(desk, "Reverse", "The wrong Alice")
    desk.reads("Posted: -$5.00 for alice.")
    assert alice.balance() == "0.00"


@pytest.mark.parametrize(
    ("who", "desk", "verb", "message", "balance"),
    [
        (*SAM, "Approve", "Posted: $150.00", "150.00"),
        (*FIONA, "Reject", "Rejected: $150.00", "0.00"),
    ],
    indirect=["desk"],
)
def test_a_large_adjustment_waits_for_another_of_finance(
    alice: Person, desk: Desk, who: str, verb: str, message: str, balance: str
) -> None:
    desk.become(who)
    adjust(desk, alice, "150")
    desk.press("Ask for approval")
    desk.lacks("Approve")

    waiting = desk.path
    desk.become("Frank")
    desk.open(waiting)
    decide(desk, verb, "As we agreed")

    desk.reads(f"{message} for alice.")
    assert alice.balance() == balance


@pytest.mark.parametrize(
    ("desk", "button", "status", "balance"),
    [(DESKTOP, "Release", "completed", "20.00"), (PHONE, "Void", "voided", "0.00")],
    indirect=["desk"],
)
def test_held_bonuses_are_decided_together_with_one_reason(
    held: list[Referral], alice: Person, desk: Desk, button: str, status: str, balance: str
) -> None:
    desk.become("Fiona")
    desk.open(f"{REFERRALS}review/")

    desk.window.get_by_label("Select all 2").check()
    desk.reads("2 selected. Pays $40.00 for 2 if released, nothing if voided.")
    desk.press(f"{button}…")
    desk.reads(held[1].referred_user.email)
    desk.fill("Reason", "Looked at both.")
    desk.press(f"{button}: $40.00")

    desk.reads("Nothing waits.")
    assert statuses() == [status, status]
    assert alice.balance() == balance


def test_a_rotated_key_is_shown_once_and_opens_until_it_is_revoked(
    alice: Person, desk: Desk
) -> None:
    desk.become("Sam")
    desk.open(page_of(alice))
    desk.follow("Rotate…")
    desk.window.get_by_label("The old key works for").select_option(label="a day")
    desk.fill("Reason", "It was lost")
    desk.press("Make a new key")
    new = Person(alice.user, desk.window.locator(".desk-new-key").inner_text())
    assert new.api.get("/user/balance").status_code == 200
    assert ApiKey.objects.filter(revoked_at=None).count() == 1

    desk.open(page_of(alice))
    desk.follow("Revoke…")
    desk.fill("Reason", "It is on the web")
    desk.press("Revoke the key")
    desk.reads("is revoked.")
    assert new.api.get("/user/balance").status_code == 401


@ON_BOTH
def test_who_lost_every_key_gets_one_in_two_clicks(alice: Person, desk: Desk) -> None:
    ApiKey.objects.update(revoked_at=timezone.now())
    desk.become("Sam")
    desk.open(page_of(alice))
    desk.follow("New key…")
    desk.fill("Reason", "They called from the number that we know")
    desk.press("Make a new key")

    new = Person(alice.user, desk.window.locator(".desk-new-key").inner_text())
    assert new.api.get("/user/balance").status_code == 200
    assert desk.clicks == 2
    desk.follow("Done: back to the person")
    desk.reads("They called from the number that we know")
    expect(desk.window.locator("#page")).not_to_contain_text(new.api_key)


@BOTH
def test_a_person_is_deactivated_and_comes_back_and_the_log_says_who_and_why(
    alice: Person, desk: Desk, who: str
) -> None:
    desk.become(who)
    for verb, reason in (("Deactivate", "Spam from it"), ("Reactivate", "It was somebody else")):
        desk.open(page_of(alice))
        desk.follow(f"{verb}…")
        desk.fill("Reason", reason)
        desk.press(verb)
        desk.reads(f"alice is {verb.lower()}d.")

    desk.open("/admin/accounts/auditentry/")

    for text in (who.lower(), "Spam from it", "It was somebody else"):
        desk.reads(text)
    assert alice.api.get("/user/balance").status_code == 200


@ON_A_PHONE
def test_several_events_are_replayed_with_one_reason(
    bob: Person, alice: Person, desk: Desk
) -> None:
    for _ in range(2):
        failed_event(pending_payment(bob.user))
    desk.become("Fiona")
    desk.open(INBOX)
    desk.run_on_all("Replay, with one reason for all")
    desk.fill("Reason", "The constraint is gone")
    desk.press("Replay")

    desk.reads("Replayed 2: 2 settled.")
    assert bob.balance() == "30.00"


@ON_BOTH
def test_a_ring_of_five_is_closed_in_three_clicks(alice: Person, desk: Desk) -> None:
    ring = [alice, *refer(alice, 4)]
    desk.become("Fiona")
    desk.open(page_of(alice))
    desk.follow("Related accounts")
    button = desk.window.get_by_role("button", name="hold their bonuses")
    expect(button).to_be_disabled()
    desk.window.get_by_label("Choose all").check()
    desk.fill("Reason", "One card, one evening")
    desk.press("Deactivate 5 and hold their bonuses")

    desk.reads("Deactivated: 5. Bonuses that are held now: 4.")
    assert desk.clicks == 3
    assert statuses() == ["held"] * 4
    assert {person.api.get("/user/balance").status_code for person in ring} == {401}


@ON_BOTH
def test_a_quarantined_event_is_made_good_and_closed_in_five_clicks(
    bob: Person, desk: Desk
) -> None:
    row = quarantined_event(pending_payment(bob.user))
    desk.become("Fiona")
    desk.open(f"{INBOX}{row.pk}/change/")
    desk.follow("Adjust balance…")
    desk.fill("Amount in US dollars", "7")
    desk.press("Preview")
    desk.press("Post it")
    assert bob.balance() == "7.00"

    desk.open(f"{INBOX}{row.pk}/change/")
    desk.follow("Resolve…")
    desk.fill("Reason", "Credited what was paid")
    desk.press("Resolve")

    desk.reads("Resolved by an operator.")
    assert desk.clicks == 5
    desk.lacks("Resolve…")
    desk.lacks("Replay…")


@ON_BOTH
def test_next_terms_are_previewed_added_and_withdrawn(bob: Person, desk: Desk) -> None:
    settle(bob.user)
    desk.become("Fiona")
    desk.open("/admin/referrals/program/")
    desk.follow("Next terms")
    desk.fill("Bonus of the referrer", "15")
    desk.press("Preview")
    desk.reads("$15.00")
    assert Program.objects.count() == 1

    desk.fill("Reason", "The spring campaign")
    desk.press("Add these terms")
    desk.reads("Terms added")
    assert Program.objects.latest("starts_at").referrer_bonus == Decimal(15)

    desk.follow("Withdraw")
    desk.fill("Reason", "Too dear")
    desk.press("Withdraw")
    assert Program.objects.count() == 1


@ON_A_PHONE
def test_what_would_happen_now_is_asked_for_a_person(bob: Person, desk: Desk) -> None:
    desk.become("Sam")
    desk.open(page_of(bob))
    desk.follow("Why?")

    desk.fill("What would a purchase earn now?", "10")
    desk.press("Ask")

    desk.reads("$10.00")
    order = desk.window.locator("#content section.why").evaluate_all(
        "parts => parts.map(part => part.getAttribute('aria-label'))"
    )
    assert order.index("Why, of bob") < order.index("What a purchase would earn now")


@ON_BOTH
def test_what_to_answer_a_customer_is_copied_in_two_clicks(bob: Person, desk: Desk) -> None:
    desk.window.context.grant_permissions(["clipboard-read", "clipboard-write"])
    desk.become("Fiona")
    desk.open(page_of(bob))
    desk.follow("Why?")
    desk.press("Copy reply")

    desk.reads("Copied")
    copied = desk.window.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("Hello bob,\n\nA friend invited you")
    assert desk.clicks == 2


@BOTH
def test_a_request_that_was_a_mistake_is_withdrawn_in_two_clicks(
    alice: Person, desk: Desk, who: str
) -> None:
    desk.become(who)
    adjust(desk, alice, "150")
    desk.press("Ask for approval")
    before = desk.clicks

    desk.follow("Withdraw…")
    desk.press("Withdraw")

    desk.reads("Withdrawn: $150.00 for alice.")
    assert desk.clicks - before == 2


@BOTH
def test_who_signed_up_with_a_code_is_one_click_away(alice: Person, desk: Desk, who: str) -> None:
    register("dora", code=alice.code)
    desk.become(who)
    desk.open("/admin/referrals/referral/?q=" + alice.code)
    desk.follow("Who signed up with this code, and what each lacks")

    desk.reads("dora")
    desk.reads("Has not bought")
    assert desk.clicks == 1
