"""What became of a purchase and of its bonuses, told in order of time: every later turn."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import Person, register, reviewer
from payments.models import Payment
from payments.tests.stripe_events import (
    deliver,
    dispute,
    event,
    pending_payment,
    refund,
    settle,
    turn,
)
from payments.tests.test_explanations import said, why
from referrals import review
from referrals.gates import Name
from referrals.models import Referral


def story(payment: Payment) -> list[str]:
    """Return what happened after the purchase was paid, without Stripe's ids."""
    _, _, *since = [happening.sentence for happening in why(payment).happenings]
    return [sentence.partition(" (")[0] if "_1_" in sentence else sentence for sentence in since]


def test_it_tells_what_led_to_the_bonus_in_order_of_time(bob: Person) -> None:
    payment = pending_payment(bob.user)
    deliver(event(payment, payment_status="unpaid"))
    deliver(event(payment, "checkout.session.async_payment_succeeded"))

    happenings = why(payment).happenings

    assert [happening.sentence for happening in happenings] == [
        "bob asked to buy credits for $10.00.",
        "Checkout was completed with money on its way.",
        "The purchase was paid: $10.00 credited to bob.",
        "Bonus paid: $10.00 to alice, $10.00 to bob.",
    ]
    assert happenings == sorted(happenings, key=lambda happening: str(happening.at))


class TestReview:
    """A bonus that is held, released or voided."""

    @pytest.fixture
    def twin(self, alice: Person) -> Payment:
        twin = register("twin", code=alice.code)
        User.objects.filter(pk=twin.user.pk).update(email="alice+twin@example.com")
        return settle(twin.user)

    def test_one_mailbox_is_held_from_the_start(self, twin: Payment) -> None:
        answer = why(twin)

        assert answer.summary == (
            "Bonus held: both e-mails are one mailbox; waits for review since "
            f"{twin.paid_at:%-d %b %Y, %H:%M} UTC."
        )
        assert said(twin, Name.MAILBOX) == "Both e-mail addresses were one mailbox."
        assert story(twin) == ["Bonus held: both e-mails are one mailbox."]

    def test_one_card_is_held_later(self, bob: Person) -> None:
        payment = settle(bob.user)
        later = timezone.now() + timedelta(hours=2)
        review.hold(Referral.objects.get().pk, reason="one card on both sides", now=later)

        assert why(payment).summary == (
            "Bonus held: one card on both sides; waits for review since "
            f"{later:%-d %b %Y, %H:%M} UTC."
        )
        assert story(payment) == [
            "Bonus paid: $10.00 to alice, $10.00 to bob.",
            "Bonus taken back: it is under review (one card on both sides).",
        ]

    def test_a_release_says_by_whom_and_why(self, twin: Payment) -> None:
        referral_id = Referral.objects.get().pk
        review.release(referral_id, by=reviewer(), note="A couple.", now=timezone.now())

        assert why(twin).summary == "Bonus paid: $10.00 to alice, $10.00 to twin."
        assert story(twin) == [
            "Bonus held: both e-mails are one mailbox.",
            "Released by rita: A couple.",
            "Bonus paid: $10.00 to alice, $10.00 to twin.",
        ]

    def test_what_is_voided_says_by_whom_and_why(self, bob: Person) -> None:
        payment = settle(bob.user)

        turn(Referral.objects.get(), "voided")

        summary = why(payment).summary
        assert summary.startswith("Bonus not granted: voided by rita on ")
        assert summary.endswith(": It is one person.")
        assert story(payment)[1:] == [
            "Bonus taken back: it is under review (one card on both sides).",
            "Voided by rita: It is one person.",
        ]

    def test_a_hold_that_moved_no_money_is_told_without_its_time(self, bob: Person) -> None:
        payment = settle(bob.user)
        turn(Referral.objects.get(), "reversed")
        turn(Referral.objects.get(), "held")

        assert why(payment).summary.startswith("Bonus taken back on ")
        assert why(payment).happenings[-1] == (None, "Bonus held: one card on both sides.")

    def test_what_was_held_and_then_refunded_was_never_paid(self, twin: Payment) -> None:
        deliver(refund(twin, 1000))

        assert why(twin).summary == (
            "No bonus: it was held, and then "
            "a refund of $10.00 left $0.00, less than the minimum of $10.00."
        )

    def test_one_network_address_is_worth_knowing(self, alice: Person) -> None:
        payment = settle(register("neighbour", code=alice.code, address="alice").user)

        assert (
            story(payment)[0]
            == "Both signed up from one network address: worth knowing, no reason to hold."
        )


PAID_AND_TAKEN = ["Bonus paid: $10.00 to alice, $10.00 to bob."]
NO_LONGER = "Bonus taken back: the purchase no longer qualifies."
AGAIN = "Bonus given again: $10.00 to alice, $10.00 to bob."


class TestRefundsAndDisputes:
    """What refunds and disputes do to the bonuses, and what undoes them."""

    def test_a_refund_takes_the_bonus_back(self, bob: Person) -> None:
        payment = settle(bob.user)
        deliver(refund(payment, 1000))

        summary = why(payment).summary
        assert summary.startswith("Bonus taken back on ")
        assert summary.endswith(
            "UTC: a refund of $10.00 left $0.00, less than the minimum of $10.00."
        )
        assert story(payment) == [*PAID_AND_TAKEN, "A refund took back $10.00", NO_LONGER]

    def test_several_refunds_count_together(self, bob: Person) -> None:
        payment = settle(bob.user, 2000)
        deliver(refund(payment, 600, name="1"))
        deliver(refund(payment, 500, name="2"))

        assert why(payment).summary.endswith(
            "refunds of $11.00 left $9.00, less than the minimum of $10.00."
        )

    def test_a_small_refund_leaves_the_bonus(self, bob: Person) -> None:
        payment = settle(bob.user, 2000)
        deliver(refund(payment, 500))

        assert why(payment).summary == "Bonus paid: $10.00 to alice, $10.00 to bob."
        assert story(payment) == [*PAID_AND_TAKEN, "A refund took back $5.00"]

    def test_a_refund_that_fails_gives_the_bonus_again(self, bob: Person) -> None:
        payment = settle(bob.user)
        for status in ("succeeded", "failed"):
            deliver(refund(payment, 1000, status))

        assert why(payment).summary == "Bonus paid: $10.00 to alice, $10.00 to bob."
        assert story(payment)[3:] == ["The refund failed: $10.00 credited again", AGAIN]

    @pytest.mark.parametrize(
        ("status", "sentence"),
        [
            ("pending", "A refund of $10.00"),
            ("failed", "A refund of $10.00"),
        ],
    )
    def test_a_refund_that_took_nothing_is_told(
        self, bob: Person, status: str, sentence: str
    ) -> None:
        payment = settle(bob.user)
        deliver(refund(payment, 1000, status))

        told = why(payment).happenings[-1].sentence
        assert told == f"{sentence} (re_1_{payment.pk}) is {status} and took nothing."

    def test_what_others_had_taken_already_is_told(self, bob: Person) -> None:
        payment = settle(bob.user)
        deliver(refund(payment, 1000))
        deliver(dispute(payment, 1000))

        told = why(payment).happenings[-1].sentence
        assert told.endswith("took nothing: others had taken all.")

    def test_a_dispute_takes_the_bonus_back(self, bob: Person) -> None:
        payment = settle(bob.user)
        deliver(dispute(payment, 1000))

        assert why(payment).summary.endswith("UTC: the purchase is disputed (open).")
        assert story(payment)[1:] == ["A dispute took back $10.00", NO_LONGER]

    def test_a_dispute_that_is_won_gives_it_again(self, bob: Person) -> None:
        payment = settle(bob.user)
        for status in ("needs_response", "won"):
            deliver(dispute(payment, 1000, status))

        assert why(payment).summary == "Bonus paid: $10.00 to alice, $10.00 to bob."
        assert story(payment)[3:] == ["The dispute was won: $10.00 credited again", AGAIN]

    def test_a_dispute_that_is_lost_stays_taken(self, bob: Person) -> None:
        payment = settle(bob.user)
        for status in ("needs_response", "lost"):
            deliver(dispute(payment, 1000, status))

        assert why(payment).summary.endswith("UTC: the purchase is disputed (lost).")
        assert story(payment)[3:] == ["The dispute was lost"]

    def test_a_refund_beside_a_dispute_is_shared_out_anew(self, bob: Person) -> None:
        payment = settle(bob.user)
        deliver(dispute(payment, 1000))
        deliver(refund(payment, 400))

        assert story(payment)[3:] == [
            "What refunds and disputes take was shared out anew: $10.00 credited again",
            "A refund took back $4.00",
            "A dispute took back $6.00",
        ]
