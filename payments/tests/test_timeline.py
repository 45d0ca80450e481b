"""What happened to a purchase and its bonuses, in order of time, and what that means now."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.tests.factories import Person, register, reviewer
from payments.models import Payment
from payments.tests.stripe_events import (
    deliver,
    event,
    pending_payment,
    refund,
    report,
    settle,
    turn,
)
from payments.tests.test_answers import PAID, said, share_a_mailbox, why
from referrals import review
from referrals.eligibility import CheckName
from referrals.models import Referral

TAKEN = "Bonus taken back: the purchase no longer qualifies."
REINSTATED = "Bonus reinstated: $10.00 to alice, $10.00 to bob."
UNDER_REVIEW = "Bonus taken back: it is under review (one card on both sides)."
HELD = "Bonus held: both e-mails are one mailbox."


def since(payment: Payment) -> list[str]:
    """Return what happened after the purchase was paid, with our own number for Stripe's ids."""
    _, _, *events = [event.sentence for event in why(payment).timeline]
    return [sentence.replace(f"_{payment.pk})", ")") for sentence in events]


def test_it_says_what_led_to_the_bonus_in_order_of_time(bob: Person) -> None:
    payment = pending_payment(bob.user)
    deliver(event(payment, payment_status="unpaid"))
    deliver(event(payment, "checkout.session.async_payment_succeeded"))

    timeline = why(payment).timeline

    assert [event.sentence for event in timeline] == [
        "bob asked to buy credits for $10.00.",
        "Checkout was completed with money on its way.",
        "The purchase was paid: $10.00 credited to bob.",
        PAID,
    ]
    assert timeline == sorted(timeline, key=lambda event: str(event.at))


class TestReview:
    """A bonus that is held, released or voided."""

    @pytest.fixture
    def twin(self, alice: Person, bob: Person) -> Payment:
        share_a_mailbox(alice, bob)
        return settle(bob.user)

    def test_one_mailbox_is_held_from_the_start_until_somebody_releases_it_and_says_why(
        self, twin: Payment
    ) -> None:
        assert why(twin).summary == (
            "Bonus held: both e-mails are one mailbox; waits for review since "
            f"{twin.paid_at:%-d %b %Y, %H:%M} UTC."
        )
        assert said(twin, CheckName.MAILBOX) == "Both e-mail addresses were one mailbox."
        assert since(twin) == [HELD]
        referral_id = Referral.objects.get().pk
        review.release(referral_id, by=reviewer(), note="A couple.", now=timezone.now())
        assert why(twin).summary == PAID
        assert since(twin) == [HELD, "Released by rita: A couple.", PAID]

    def test_one_card_is_held_later(self, bob: Person) -> None:
        payment = settle(bob.user)
        later = timezone.now() + timedelta(hours=2)
        review.hold(Referral.objects.get().pk, reason="one card on both sides", now=later)

        assert why(payment).summary == (
            "Bonus held: one card on both sides; waits for review since "
            f"{later:%-d %b %Y, %H:%M} UTC."
        )
        assert since(payment) == [PAID, UNDER_REVIEW]

    def test_what_is_voided_says_by_whom_and_why(self, bob: Person) -> None:
        payment = settle(bob.user)
        turn(Referral.objects.get(), "voided")

        summary = why(payment).summary
        assert summary.startswith("Bonus not granted: voided by rita on ")
        assert summary.endswith(": It is one person.")
        assert since(payment) == [PAID, UNDER_REVIEW, "Voided by rita: It is one person."]

    def test_a_hold_that_moved_no_money_has_no_time(self, bob: Person) -> None:
        payment = settle(bob.user)
        turn(Referral.objects.get(), "reversed")
        turn(Referral.objects.get(), "held")

        last = why(payment).timeline[-1]
        assert why(payment).summary.startswith("Bonus taken back on ")
        assert (last.at, last.sentence) == (None, "Bonus held: one card on both sides.")

    def test_what_was_held_and_then_refunded_was_never_paid(self, twin: Payment) -> None:
        deliver(refund(twin, 1000))

        assert why(twin).summary == (
            "No bonus: it was held, and then "
            "a refund of $10.00 left $0.00, less than the minimum of $10.00."
        )

    def test_one_network_address_is_worth_knowing(self, alice: Person) -> None:
        payment = settle(register("neighbour", code=alice.code, address="alice").user)

        assert since(payment)[0] == (
            "Both signed up from one network address: worth knowing, no reason to hold."
        )


LEFT_NOTHING = "UTC: a refund of $20.00 left $0.00, less than the minimum of $10.00."
LEFT_TOO_LITTLE = "UTC: refunds of $11.00 left $9.00, less than the minimum of $10.00."
OPEN, LOST = (f"UTC: the purchase is disputed ({status})." for status in ("open", "lost"))
REFUNDED = ["A refund took back $20.00 (re_1).", TAKEN]
DISPUTED = ["A dispute took back $20.00 (dp_1).", TAKEN]
NOTHING_LEFT = "A dispute of $20.00 (dp_1) took nothing: others had taken all."
SHARED_ANEW = [
    "What each refund and dispute takes was computed anew: $20.00 credited again (dp_1).",
    "A refund took back $4.00 (re_1).",
    "A dispute took back $16.00 (dp_1).",
]


@pytest.mark.parametrize(
    ("reported", "summary", "events"),
    [
        ("refund 2000", LEFT_NOTHING, REFUNDED),
        (
            "refund 600, refund 500 succeeded 2",
            LEFT_TOO_LITTLE,
            ["A refund took back $6.00 (re_1).", "A refund took back $5.00 (re_2).", TAKEN],
        ),
        ("refund 500", PAID, ["A refund took back $5.00 (re_1)."]),
        (
            "refund 2000, refund 2000 failed",
            PAID,
            [*REFUNDED, "The refund failed: $20.00 credited again (re_1).", REINSTATED],
        ),
        ("refund 9 pending", PAID, ["A refund of $0.09 (re_1) is pending and took nothing."]),
        ("refund 9 failed", PAID, ["A refund of $0.09 (re_1) is failed and took nothing."]),
        ("refund 2000, dispute 2000", OPEN, [*REFUNDED, NOTHING_LEFT]),
        ("dispute 2000", OPEN, DISPUTED),
        (
            "dispute 2000, dispute 2000 won",
            PAID,
            [*DISPUTED, "The dispute was won: $20.00 credited again (dp_1).", REINSTATED],
        ),
        (
            "dispute 2000, dispute 2000 lost",
            LOST,
            [*DISPUTED, "The dispute was lost (dp_1)."],
        ),
        ("dispute 2000, refund 400", OPEN, [*DISPUTED, *SHARED_ANEW]),
    ],
)
def test_refunds_and_disputes_are_told_with_what_they_did_to_the_bonus(
    bob: Person, reported: str, summary: str, events: list[str]
) -> None:
    payment = settle(bob.user, 2000)

    report(payment, reported)

    is_taken_back = summary.startswith("UTC")
    assert why(payment).summary.startswith("Bonus taken back on " if is_taken_back else summary)
    assert why(payment).summary.endswith(summary)
    assert since(payment) == [PAID, *events]
