"""Why a purchase earned what it did: a worked example for every decision and every later turn."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from accounts.tests.factories import Person, register
from payments.explanations import NOT_KEPT, PaymentAnswer, explain_payment, explain_referral
from payments.models import Payment
from payments.tests.stripe_events import (
    deliver,
    pending_payment,
    refer,
    refund,
    settle,
)
from referrals import gates
from referrals.gates import Decision, Name, Verdict
from referrals.models import Referral
from referrals.tests.factories import ProgramFactory


def why(payment: Payment) -> PaymentAnswer:
    return explain_payment(payment.pk)


def said(payment: Payment, name: Name) -> str:
    """Return the sentence about one gate."""
    return next(line.sentence for line in why(payment).lines if line.gate.name == name)


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
    ProgramFactory.create(budget=Decimal("50.00"))
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
            "No bonus: only $10.00 was left of the program's budget, for $20.00.",
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
        "The program had no budget to keep to.",
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
        "The last of the program's budget had just gone to somebody else."
    )


def test_it_stays_what_was_true_then(alice: Person, bob: Person) -> None:
    payment = settle(bob.user)
    before = why(payment)

    refer(alice, 9)
    ProgramFactory.create(minimum_purchase=Decimal("50.00"), budget=Decimal("20.00"))
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


def test_a_purchase_is_explained_in_three_queries(
    alice: Person, bob: Person, django_assert_num_queries: Any
) -> None:
    payment = settle(bob.user)
    deliver(refund(payment, 1000))

    with django_assert_num_queries(3):
        why(payment)
