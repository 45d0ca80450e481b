"""A card that paid on both sides of a referral holds its bonuses for review."""

from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.tests.factories import Person, register, reviewer
from payments import cards
from payments.models import Payment
from payments.stripe_gateway import StripeUnavailableError
from payments.tests.fake_stripe import stripe_is_down
from payments.tests.sandbox_purchases import BANK_ACCOUNT, MASTERCARD, VISA, buy, event_body, pay
from payments.tests.stripe_events import send, settle
from referrals import review
from referrals.models import Referral

pytestmark = pytest.mark.usefixtures("sandbox")

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def check_cards() -> int:
    """Check the waiting cards, and return their number."""
    waiting = cards.payments_to_check()
    for payment in waiting:
        cards.check(payment, now=NOW)
    return len(waiting)


def end_of(alice: Person, bob: Person) -> tuple[str, str, str]:
    return Referral.objects.get().status, alice.balance(), bob.balance()


CARDS = {"visa": VISA, "mastercard": MASTERCARD}
BOTH_SIDES = "one card on both sides"
EARLIER_FRIEND = "one card with an earlier friend of the code"
LATER_ONE = {"dave": EARLIER_FRIEND, "eve": BOTH_SIDES}
# What happened, whose bonus is held, and the balances of Alice, Bob and Dave, who has her code too.
STORIES: dict[str, tuple[str, dict[str, str], str]] = {
    "one card": ("alice 1000 visa, bob 1000 visa, check", {"bob": BOTH_SIDES}, "10 10 0"),
    "another card": ("alice 1000 visa, bob 1000 mastercard, check", {}, "20 20 0"),
    "the card of somebody unrelated": ("charlie 1000 visa, bob 1000 visa, check", {}, "10 20 0"),
    "the referrer has not paid": ("bob 1000 visa, check", {}, "10 20 0"),
    "the referrer pays with it later": (
        "bob 1000 visa, check, alice 1000 visa, check",
        {"bob": BOTH_SIDES},
        "10 10 0",
    ),
    "it paid for less than qualifies": (
        "alice 100 mastercard, bob 1000 visa, bob 100 mastercard, check",
        {"bob": BOTH_SIDES},
        "1 11 0",
    ),
    "it was on both sides before there was a referral": (
        "alice 1000 mastercard, bob 100 mastercard, check, bob 1000 visa, check",
        {"bob": BOTH_SIDES},
        "10 11 0",
    ),
    # The card of somebody who used another code, or none, speaks against nobody.
    "two friends": (
        "charlie 1000 visa, eve 1000 visa, bob 1000 visa, dave 1000 visa, check",
        LATER_ONE,
        "10 20 10",
    ),
    "two friends, one after the other": (
        "charlie 1000 visa, eve 1000 visa, bob 1000 visa, check, dave 1000 visa, check",
        LATER_ONE,
        "10 20 10",
    ),
    "the earlier friend pays with it later": (
        "bob 1000 mastercard, dave 1000 visa, check, bob 100 visa, check",
        {"dave": EARLIER_FRIEND},
        "10 21 10",
    ),
    "the referrer and both friends": (
        "bob 1000 visa, dave 1000 visa, alice 1000 visa, check",
        {"bob": BOTH_SIDES, "dave": EARLIER_FRIEND},
        "10 10 10",
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_bonuses_are_held_if_one_card_ever_paid_on_both_sides_or_for_two_friends(
    alice: Person, bob: Person, charlie: Person, name: str
) -> None:
    story, held, balances = STORIES[name]
    dave, eve = register("dave", code=alice.code), register("eve", code=charlie.code)
    people = {"alice": alice, "bob": bob, "charlie": charlie, "dave": dave, "eve": eve}

    for who, *about in map(str.split, story.split(", ")):
        if who == "check":
            check_cards()
        else:
            cents, card = about
            buy(people[who], int(cents), card_number=CARDS[card])

    found = Referral.objects.exclude(status="completed")
    assert {each.status for each in found} <= {"held"}
    assert dict(found.values_list("referred_user__username", "hold_reason")) == held
    assert [person.balance() for person in (alice, bob, dave)] == [
        f"{dollars}.00" for dollars in balances.split()
    ]


def test_ten_friends_with_one_card_are_paid_once(alice: Person) -> None:
    for number in range(10):
        buy(register(f"friend{number}", code=alice.code))

    check_cards()

    assert Referral.objects.filter(status="held").count() == 9
    assert alice.balance() == "10.00"


def test_a_bank_account_is_not_a_card(alice: Person, bob: Person) -> None:
    for person in (alice, bob):
        payment = buy(person, 1000, **BANK_ACCOUNT)
        settle_late(payment)

    check_cards()

    assert end_of(alice, bob) == ("completed", "20.00", "20.00")
    assert set(Payment.objects.values_list("card_fingerprint", "card_checked_at")) == {("", NOW)}


def settle_late(payment: Payment) -> None:
    """Confirm a delayed payment by the event that Stripe sends."""
    paid_event = (
        event_body(payment).replace(b'"unpaid"', b'"paid"').replace(b'"evt_', b'"evt_late_')
    )
    late = paid_event.replace(b"session.completed", b"session.async_payment_succeeded")
    assert send(late).json()["outcome"] == "settled"


def test_each_settled_payment_is_asked_for_once_a_batch_at_a_time(
    bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cards, "BATCH_SIZE", 1)
    pay(bob)
    first, second = buy(bob), buy(bob)

    check_cards()
    for payment in (first, second):
        payment.refresh_from_db()

    assert (first.card_checked_at, second.card_checked_at) == (NOW, None)
    assert [check_cards() for _ in range(2)] == [1, 0]


def test_while_stripe_is_down_nothing_is_checked_and_then_the_unanswered_comes_last(
    alice: Person, bob: Person, sandbox: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cards, "BATCH_SIZE", 1)
    bad, good = buy(alice), buy(bob)

    with stripe_is_down(settings), pytest.raises(StripeUnavailableError):
        check_cards()
    settings.STRIPE_API_BASE = sandbox
    waiting = []
    for _ in range(2):
        waiting += cards.payments_to_check()
        check_cards()

    assert waiting == [good, bad]
    assert cards.payments_to_check() == []
    assert end_of(alice, bob) == ("held", "10.00", "10.00")


def test_a_card_that_stripe_refuses_to_show_is_not_asked_for_again(
    alice: Person, bob: Person
) -> None:
    settle(bob.user)

    assert [check_cards() for _ in range(2)] == [1, 0]

    assert end_of(alice, bob) == ("completed", "10.00", "20.00")


@pytest.mark.parametrize(
    ("decide", "end"),
    [
        (review.release, ("completed", "30.00", "20.00")),
        (review.void, ("voided", "20.00", "10.00")),
    ],
)
def test_a_reviewed_referral_is_not_held_again(
    alice: Person, bob: Person, decide: Any, end: tuple[str, str, str]
) -> None:
    buy(alice)
    buy(bob)
    check_cards()
    decide(Referral.objects.get().pk, by=reviewer(), note="They are a couple.", now=NOW)

    buy(alice)
    check_cards()

    assert end_of(alice, bob) == end
