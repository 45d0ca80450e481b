"""Why a purchase earned what it did, for both audiences, before it is made and after it."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import Person
from payments.explanations.answers import (
    NOT_STORED,
    PersonAnswer,
    PurchaseAnswer,
    explain_person,
    explain_purchases,
)
from payments.explanations.messages import NOW, THEN, Audience
from payments.models import Payment
from payments.tests.stripe_events import deliver, pending_payment, refer, refund, settle
from referrals import eligibility
from referrals.eligibility import CheckName, Decision, Status
from referrals.tests.factories import ProgramFactory

INVITED = "alice invited you: your first purchase of $10.00 or more brings you a bonus of $10.00."
GOT = "You got $10.00 for the invitation of alice."
PAID = "Bonus paid: $10.00 to alice, $10.00 to bob."
ASKED = "A purchase of $10.00 now would earn "


def why(payment: Payment) -> PurchaseAnswer:
    [answer] = explain_purchases(Payment.objects.filter(pk=payment.pk))
    return answer


def why_person(
    person: Person, cents: int | None = None, audience: Audience = Audience.OPERATOR
) -> PersonAnswer:
    person.user.refresh_from_db()
    return explain_person(person.user, audience, cents=cents, now=timezone.now())


def own_answer(person: Person, cents: int | None = None) -> PersonAnswer:
    """Return what the person reads."""
    return why_person(person, cents, Audience.PERSON)


def said(payment: Payment, name: CheckName) -> str:
    """Return what operators read of one check."""
    return next(line.sentence for line in why(payment).checks if line.result.name == name)


def buy(alice: Person, bob: Person) -> None:
    settle(bob.user)


def deactivate(alice: Person, bob: Person) -> None:
    User.objects.filter(pk=alice.user.pk).update(is_active=False)


def delete(alice: Person, bob: Person) -> None:
    alice.user.delete()


def use_up(alice: Person, bob: Person) -> None:
    refer(alice, 10)


def end_the_offer(bob: Person) -> None:
    """Let Bob's sign-up be so long ago that its terms are promised no longer."""
    long_ago = timezone.now() - timedelta(days=90)
    User.objects.filter(pk=bob.user.pk).update(created_at=long_ago)


def spend(alice: Person, bob: Person) -> None:
    end_the_offer(bob)
    ProgramFactory.create(budget=Decimal("30.00"))
    refer(alice, 1)


def share_a_mailbox(alice: Person, bob: Person) -> None:
    User.objects.filter(pk=bob.user.pk).update(email="Alice+bob@example.com")


def raise_the_minimum(alice: Person, bob: Person) -> None:
    end_the_offer(bob)
    ProgramFactory.create(minimum_purchase=Decimal("11.00"))


OF_REFERRER = "the account of whoever invited you {is} not active"
TOO_SMALL = "the purchase of $10.00 {is} below the minimum of $11.00; a later one may qualify"
EARLIER = "an earlier purchase {has} qualified"


@pytest.mark.parametrize(
    ("happens", "decision", "clause", "own_clause"),
    [
        (raise_the_minimum, "below_minimum", TOO_SMALL, TOO_SMALL),
        (buy, "not_first", EARLIER, EARLIER),
        (
            deactivate,
            "referrer_gone",
            "the account of the referrer alice {is} deactivated",
            OF_REFERRER,
        ),
        (delete, "referrer_gone", "the account of the referrer {is} deleted", OF_REFERRER),
        (
            use_up,
            "cap_reached",
            "10 uses of the code {are} allowed, and 10 {are} taken",
            "the invitation {has} no use left",
        ),
        (
            spend,
            "budget_spent",
            "only $10.00 {is} left of the program's budget, for $20.00",
            "the program {has} no more bonuses to give",
        ),
    ],
)
def test_the_check_that_fails_is_named_to_both_before_a_purchase_and_after_it(
    alice: Person,
    bob: Person,
    happens: Callable[[Person, Person], None],
    decision: str,
    clause: str,
    own_clause: str,
) -> None:
    happens(alice, bob)

    before, own = why_person(bob, 1000).what_if, own_answer(bob, 1000)
    payment = settle(bob.user)

    assert before.decision == own.what_if.decision == payment.bonus_decision == decision
    assert before.summary == f"{ASKED}no bonus: {clause.format(**NOW)}."
    assert own.what_if.summary == f"{ASKED}no bonus: {own_clause.format(**NOW)}."
    assert why(payment).summary == f"No bonus: {clause.format(**THEN)}."
    assert payment.checks == eligibility.to_json(line.result for line in before.checks)
    if payment.is_first_qualifying:
        assert own.summary == own.what_if.summary
        assert own_answer(bob).summary == f"You got no bonus: {own_clause.format(**THEN)}."


def test_a_bonus_is_announced_to_both_and_then_paid(bob: Person) -> None:
    before, own = why_person(bob, 1000).what_if, own_answer(bob, 1000)
    payment = settle(bob.user)

    assert (before.decision, own.what_if.decision) == ("awarded", "awarded")
    assert before.summary == f"{ASKED}a bonus of $10.00 for the buyer and $10.00 for the referrer."
    assert (own.summary, own.what_if.summary) == (
        INVITED,
        f"{ASKED}a bonus of $10.00 for you and $10.00 for the referrer.",
    )
    assert payment.checks == eligibility.to_json(line.result for line in before.checks)
    assert (why(payment).summary, own_answer(bob).summary) == (PAID, GOT)


def test_only_operators_read_that_a_bonus_would_be_held(alice: Person, bob: Person) -> None:
    before = own_answer(bob, 1000)
    share_a_mailbox(alice, bob)

    what_if = why_person(bob, 1000).what_if

    assert (what_if.decision, what_if.summary) == (
        "held",
        f"{ASKED}a bonus that is held for review: both e-mail addresses are one mailbox.",
    )
    assert own_answer(bob, 1000) == before
    assert settle(bob.user).bonus_decision == "held"
    assert own_answer(bob).summary == "Your bonus is under review."


def test_who_was_not_invited_has_no_bonus_to_come(charlie: Person) -> None:
    before, own = why_person(charlie).what_if, own_answer(charlie)
    payment = settle(charlie.user)

    assert before.decision == payment.bonus_decision == "not_referred"
    assert why(payment).summary == "No bonus: the buyer registered without a code that counts."
    assert own.summary.endswith("no bonus: you registered without an invitation that counts.")
    assert said(payment, CheckName.CAP) == (
        "Whether the code has a use left was not checked: there was no referrer."
    )


def test_every_check_has_its_sentence_in_order(alice: Person, bob: Person) -> None:
    refer(alice, 9)

    payment = settle(bob.user, 1250)

    assert [line.result.name for line in why(payment).checks] == list(CheckName)
    assert [line.sentence for line in why(payment).checks] == [
        "The terms from 2026-01-01 were applied: a bonus of $20.00 in all.",
        "The purchase of $12.50 was not below the minimum of $10.00.",
        "No earlier purchase had qualified.",
        f"The buyer was invited with the code {alice.code}.",
        "The referrer alice had an active account.",
        "The referrer alice was somebody else than the buyer.",
        "9 of 10 uses of the code were taken.",
        "The program had no budget.",
        "Their e-mail addresses were two mailboxes.",
        "No earlier friend of the code had the buyer's mailbox.",
    ]
    assert [line.sentence for line in own_answer(bob).checks] == [
        "The terms from 2026-01-01 were applied: a bonus of $20.00 in all.",
        "The purchase of $12.50 was not below the minimum of $10.00.",
        "No earlier purchase had qualified.",
        "You were invited.",
        "The account of alice, who invited you, was active.",
        "The invitation was somebody else's.",
        "The invitation had uses left.",
        "The program had bonuses to give.",
    ]


def store(payment: Payment, name: CheckName, **changes: Any) -> None:
    """Store other results: this check with `changes`, and all others passed."""
    for check in payment.checks:
        check.update(changes if check["name"] == name else {"status": Status.PASSED})
    payment.save(update_fields=["checks", "bonus_decision"])


def test_ones_own_code_and_a_budget_that_another_has_just_spent_are_named(charlie: Person) -> None:
    """The database lets nobody register with their own code; so these are stored by hand."""
    payment = settle(charlie.user)
    store(payment, CheckName.BUDGET, status=Status.FAILED, found="", required="20.00")
    assert said(payment, CheckName.BUDGET) == (
        "Another purchase had just taken the last of the budget."
    )
    payment.bonus_decision = Decision.SELF_REFERRAL
    store(payment, CheckName.OTHER, status=Status.FAILED)

    assert why(payment).summary == "No bonus: the code was the buyer's own."
    assert own_answer(charlie).summary == "You got no bonus: the invitation was your own."


def test_the_answer_takes_three_queries_and_stays_what_was_true_then(
    alice: Person, bob: Person, django_assert_num_queries: Any
) -> None:
    payment = settle(bob.user)
    deliver(refund(payment, 1000))
    with django_assert_num_queries(3):
        before = why(payment)

    refer(alice, 9)
    ProgramFactory.create(minimum_purchase=Decimal("50.00"), budget=Decimal("20.00"))
    deactivate(alice, bob)

    assert why(payment) == before


def test_a_purchase_that_is_not_paid_has_no_bonus(bob: Person) -> None:
    payment = pending_payment(bob.user)
    for status in ("pending", "failed", "expired", "created"):
        session_id = None if status == "created" else payment.session_id
        Payment.objects.filter(pk=payment.pk).update(status=status, session_id=session_id)

        answer = why(payment)

        assert answer.summary == f"No bonus: the purchase is not paid, but {status}."
        assert (answer.checks, answer.note) == ([], "")


def test_checks_that_were_not_stored_are_said_to_be_missing(alice: Person, bob: Person) -> None:
    use_up(alice, bob)
    payment = settle(bob.user)
    Payment.objects.filter(pk=payment.pk).update(checks=[])

    assert (why(payment).summary, why(payment).note) == ("No bonus: cap reached.", NOT_STORED)
    assert own_answer(bob).summary == "You got no bonus."
