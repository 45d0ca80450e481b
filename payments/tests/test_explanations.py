"""Why a purchase earned what it did: a worked example for every decision and every later turn."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import Person, register, reviewer
from payments.explanations import NOT_KEPT, PaymentAnswer, explain_payment, explain_referral
from payments.models import Payment
from payments.tests.stripe_events import (
    deliver,
    dispute,
    event,
    pending_payment,
    refer,
    refund,
    settle,
    turn,
)
from referrals import gates, review
from referrals.gates import Decision, Name, Verdict
from referrals.models import Referral
from referrals.tests.terms import terms_now


def why(payment: Payment) -> PaymentAnswer:
    return explain_payment(payment.pk)


def said(payment: Payment, name: Name) -> str:
    """Return the sentence about one gate."""
    return next(line.sentence for line in why(payment).lines if line.gate.name == name)


def story(payment: Payment) -> list[str]:
    """Return what happened after the purchase was paid, without Stripe's ids."""
    _, _, *since = [happening.sentence for happening in why(payment).happenings]
    return [sentence.partition(" (")[0] if "_1_" in sentence else sentence for sentence in since]


def below_minimum(alice: Person, bob: Person) -> Payment:
    return settle(bob.user, 500)


def not_first(alice: Person, bob: Person) -> Payment:
    settle(bob.user)
    return settle(bob.user)


def not_referred(alice: Person, bob: Person) -> Payment:
    return settle(register("charlie").user)


def deactivated(alice: Person, bob: Person) -> Payment:
    User.objects.filter(pk=alice.user.pk).update(is_active=False)
    return settle(bob.user)


def deleted(alice: Person, bob: Person) -> Payment:
    alice.user.delete()
    return settle(bob.user)


def of_oneself(alice: Person, bob: Person) -> Payment:
    """Return a purchase that the database does not let happen, as it would have been kept."""
    payment = settle(register("charlie").user)
    asked = gates.shut(gates.read(payment.gates), Name.OTHER)
    payment.gates = gates.written(
        gate if gate.name == Name.OTHER else gates.Gate(gate.name, Verdict.PASSED) for gate in asked
    )
    payment.bonus_decision = Decision.SELF_REFERRAL
    payment.save(update_fields=["gates", "bonus_decision"])
    return payment


def capped(alice: Person, bob: Person) -> Payment:
    refer(alice, 10)
    return settle(bob.user)


def budget_spent(alice: Person, bob: Person) -> Payment:
    terms_now(budget=Decimal("50.00"))
    refer(alice, 2)
    return settle(bob.user)


def awarded(alice: Person, bob: Person) -> Payment:
    return settle(bob.user)


@pytest.mark.parametrize(
    ("happens", "decision", "summary"),
    [
        (
            below_minimum,
            "below_minimum",
            "No bonus: the purchase of $5.00 was below the minimum of $10.00;"
            " a later one may still qualify.",
        ),
        (not_first, "not_first", "No bonus: an earlier purchase had qualified."),
        (
            not_referred,
            "not_referred",
            "No bonus: the buyer registered without a code that counts.",
        ),
        (
            deactivated,
            "referrer_gone",
            "No bonus: the account of the referrer alice was deactivated.",
        ),
        (deleted, "referrer_gone", "No bonus: the account of the referrer was deleted."),
        (of_oneself, "self_referral", "No bonus: the code was the buyer's own."),
        (
            capped,
            "cap_reached",
            "No bonus: 10 uses of the code were allowed, and 10 were taken.",
        ),
        (
            budget_spent,
            "budget_spent",
            "No bonus: only $10.00 was left of the programme's budget, for $20.00.",
        ),
        (awarded, "awarded", "Bonus paid: $10.00 to alice, $10.00 to bob."),
    ],
)
def test_it_says_first_what_was_decided_and_why(
    alice: Person,
    bob: Person,
    happens: Callable[[Person, Person], Payment],
    decision: str,
    summary: str,
) -> None:
    payment = happens(alice, bob)

    assert payment.bonus_decision == decision
    assert why(payment).summary == summary


def test_it_says_what_every_gate_said_in_order(alice: Person, bob: Person) -> None:
    refer(alice, 9)

    lines = why(settle(bob.user, 1250)).lines

    assert [line.gate.name for line in lines] == list(Name)
    assert [line.sentence for line in lines] == [
        "The terms from 2026-01-01 were in force: a bonus of $20.00 in all.",
        "The purchase of $12.50 was not below the minimum of $10.00.",
        "No earlier purchase had qualified.",
        f"The buyer registered with the code {alice.code}.",
        "The referrer alice had an active account.",
        "The referrer alice was somebody else than the buyer.",
        "9 of 10 uses of the code were taken.",
        "The programme had no budget to keep to.",
        "Their e-mail addresses were two mailboxes.",
    ]


def test_what_was_not_asked_is_said_to_be_so(charlie: Person) -> None:
    payment = settle(charlie.user)

    assert (
        said(payment, Name.CAP)
        == "Whether the code has a use left was not asked: there was no referrer."
    )


def test_a_budget_that_ran_out_under_its_hands_is_said_to_have(alice: Person, bob: Person) -> None:
    payment = budget_spent(alice, bob)
    payment.gates = gates.written(gates.shut(gates.read(payment.gates), Name.BUDGET))
    payment.save(update_fields=["gates"])

    assert said(payment, Name.BUDGET) == (
        "The last of the programme's budget had just gone to somebody else."
    )


def test_it_stays_what_was_true_then(alice: Person, bob: Person) -> None:
    payment = settle(bob.user)
    before = why(payment)

    refer(alice, 9)
    terms_now(minimum_purchase=Decimal("50.00"), budget=Decimal("20.00"))
    User.objects.filter(pk=alice.user.pk).update(is_active=False)

    assert why(payment) == before


def test_a_referral_is_explained_by_its_purchase(bob: Person) -> None:
    payment = settle(bob.user)

    assert explain_referral(Referral.objects.get().pk) == why(payment)


@pytest.mark.parametrize("status", ["created", "pending", "failed", "expired"])
def test_a_purchase_that_is_not_paid_has_no_bonus(bob: Person, status: str) -> None:
    payment = pending_payment(bob.user)
    session_id = None if status == "created" else payment.session_id
    Payment.objects.filter(pk=payment.pk).update(status=status, session_id=session_id)

    answer = why(payment)

    assert answer.summary == f"No bonus: the purchase is not paid, but {status}."
    assert (answer.lines, answer.note) == ([], "")


def test_where_the_gates_were_not_kept_it_says_so(alice: Person, bob: Person) -> None:
    payment = capped(alice, bob)
    Payment.objects.filter(pk=payment.pk).update(gates=[])

    answer = why(payment)

    assert (answer.summary, answer.note) == ("No bonus: cap reached.", NOT_KEPT)


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
            f"{twin.paid_at:%Y-%m-%d %H:%M} UTC."
        )
        assert said(twin, Name.MAILBOX) == "Both e-mail addresses were one mailbox."
        assert story(twin) == ["Bonus held: both e-mails are one mailbox."]

    def test_one_card_is_held_later(self, bob: Person) -> None:
        payment = settle(bob.user)
        later = timezone.now() + timedelta(hours=2)
        review.hold(Referral.objects.get().pk, reason="one card on both sides", now=later)

        assert why(payment).summary == (
            "Bonus held: one card on both sides; waits for review since "
            f"{later:%Y-%m-%d %H:%M} UTC."
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
        assert summary.startswith("Bonus not granted: voided by rita on 20")
        assert summary.endswith(": It is one person.")
        assert story(payment)[1:] == [
            "Bonus taken back: it is under review (one card on both sides).",
            "Voided by rita: It is one person.",
        ]

    def test_a_hold_that_moved_no_money_is_told_without_its_time(self, bob: Person) -> None:
        payment = settle(bob.user)
        turn(Referral.objects.get(), "reversed")
        turn(Referral.objects.get(), "held")

        assert why(payment).summary.startswith("Bonus taken back on 20")
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
        assert summary.startswith("Bonus taken back on 20")
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


def test_a_purchase_is_explained_in_three_queries(
    alice: Person, bob: Person, django_assert_num_queries: Any
) -> None:
    payment = settle(bob.user)
    deliver(refund(payment, 1000))

    with django_assert_num_queries(3):
        why(payment)
