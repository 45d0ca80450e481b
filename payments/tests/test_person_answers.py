"""Why a person has a bonus or none, and what one would earn now, also by `manage.py why`."""

import json
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import Person, register
from payments.explanations.answers import LISTED_PURCHASES, explain_person
from payments.explanations.messages import Audience
from payments.models import Payment
from payments.tests.stripe_events import deliver, event, pending_payment, refer, refund, settle
from payments.tests.test_answers import INVITED, PAID, own_answer, why_person
from payments.tests.test_commands import Run
from referrals.tests.factories import ProgramFactory


def test_it_names_whose_code_it_was(alice: Person, bob: Person) -> None:
    strangers = register("stranger"), register("other", code="NOSUCH00")
    code = alice.code
    assert why_person(bob).attribution == f"Registered with the code {code} of alice."
    # No code and a refused one are not told apart.
    for one in strangers:
        assert why_person(one).attribution.startswith("Registered without a code that counts")

    alice.user.delete()

    assert why_person(bob).attribution == (
        f"Registered with the code {code}, whose owner's account is deleted."
    )


def test_it_says_what_is_needed_for_a_bonus_and_what_is_not_on_record(bob: Person) -> None:
    needed = "bob has not made a qualifying purchase yet: $10.00 or more."
    assert (why_person(bob).summary, why_person(bob).purchases) == (needed, [])

    settle(bob.user, 500)

    assert why_person(bob).summary == needed
    assert own_answer(bob).summary == INVITED
    assert why_person(bob).checks[1].sentence.startswith("The purchase of $5.00 was below")
    User.objects.filter(pk=bob.user.pk).update(has_made_first_purchase=True)
    missing = "A purchase has qualified, but which one was not stored."
    assert why_person(bob).summary == own_answer(bob).summary == missing
    User.objects.filter(pk=bob.user.pk).update(has_made_first_purchase=False)


def test_the_decisive_purchase_comes_first_however_many_came_after(bob: Person) -> None:
    small, decisive, later = (settle(bob.user, cents) for cents in (500, 1000, 2000))
    three = why_person(bob)
    for _ in range(LISTED_PURCHASES):
        pending_payment(bob.user)

    many = why_person(bob)

    assert [answer.payment for answer in three.purchases] == [decisive, later, small]
    assert three.summary == many.summary == PAID
    assert (many.purchases[0].payment, len(many.purchases)) == (decisive, LISTED_PURCHASES + 1)
    assert [answer.payment for answer in own_answer(bob).purchases] == [decisive]


def test_it_asks_about_the_smaller_minimum_without_an_amount(bob: Person) -> None:
    """Of the terms in force, and of those that were promised at sign-up."""
    for minimum, cents in (("25.00", 1000), ("5.00", 500)):
        ProgramFactory.create(minimum_purchase=Decimal(minimum))

        assert why_person(bob).what_if.cents == own_answer(bob).what_if.cents == cents


def test_it_counts_the_uses_of_the_code(alice: Person) -> None:
    refer(alice, 3)
    assert why_person(alice).code_uses == "3 of 10 uses of the code are taken, 7 left."
    assert len(why_person(alice).referees) == 3

    ProgramFactory.create(max_uses=2)

    assert why_person(alice).code_uses == "3 of 2 uses of the code are taken, 0 left."


def test_it_writes_and_locks_nothing(bob: Person) -> None:
    ProgramFactory.create(budget=Decimal("100.00"))

    with CaptureQueriesContext(connection) as queries:
        for audience in Audience:
            explain_person(bob.user, audience, cents=1000, now=timezone.now())

    assert {query["sql"].split()[0] for query in queries} == {"SELECT"}
    assert not any("FOR NO KEY UPDATE" in query["sql"] for query in queries)


@pytest.mark.parametrize("count", [2, 5])
def test_a_person_is_explained_in_seven_queries(
    alice: Person, count: int, django_assert_num_queries: Any
) -> None:
    carol = register("carol", code=alice.code)
    refer(carol, count)
    for _ in range(count):
        settle(carol.user)
    carol.user.refresh_from_db()

    with django_assert_num_queries(7):
        answer = explain_person(carol.user, Audience.OPERATOR, cents=1000, now=timezone.now())
    assert (len(answer.purchases), len(answer.referees)) == (count, count)


def lines(*arguments: str) -> list[str]:
    run = Run("why", *arguments)
    assert (run.status, run.refusal) == (0, "")
    return run.printed.splitlines()


def test_a_person_is_explained_from_the_answer_down(alice: Person, bob: Person) -> None:
    payment = settle(bob.user)

    printed = lines("bob")

    assert printed[:4] == [
        "bob: Bonus paid: $10.00 to alice, $10.00 to bob.",
        f"bob: Registered with the code {alice.code} of alice.",
        f"payment {payment.pk}: Bonus paid: $10.00 to alice, $10.00 to bob.",
        "  passed       The terms from 2026-01-01 were applied: a bonus of $20.00 in all.",
    ]
    assert "bob: A purchase of $10.00 now would earn no bonus: " in "\n".join(printed)
    assert printed[-1] == "bob: 0 of 10 uses of the code are taken, 10 left."
    told = "  completed    bob has bought, and both sides have their bonus."
    assert lines("alice")[-1] == told
    Payment.objects.update(checks=[])
    assert lines("bob")[3] == "  The checks of this purchase were not stored when it was paid."


def test_a_person_is_found_by_whatever_is_at_hand(bob: Person) -> None:
    payment = pending_payment(bob.user, 1500)
    paid = event(payment)
    deliver(paid)
    deliver(refund(payment, 100))
    payment.refresh_from_db()

    names = ["BOB", "bob@example.com", bob.code.lower(), str(bob.user.pk)]
    ids = [payment.session_id, payment.payment_intent_id, f"re_1_{payment.pk}", paid["id"]]
    for name in (*names, *ids):
        assert lines(name)[0].startswith("bob: Bonus paid"), name


def test_of_several_people_or_none_nobody_is_explained(bob: Person) -> None:
    session = str(settle(bob.user).session_id)
    User.objects.create(username=session, email="mallory@example.com")

    assert f"may be #{bob.user.pk} bob, #" in Run("why", session).refusal
    for name in ("nobody", "cs_test_nothing"):
        run = Run("why", name)
        assert (run.status, run.refusal, run.printed) == (1, f"There is no user '{name}'.", "")


def test_each_fact_is_a_record_with_the_values_of_its_check(bob: Person) -> None:
    payment = settle(bob.user, 500)

    facts = json.loads("\n".join(lines("bob", "--format", "json")))

    minimum = next(fact for fact in facts if fact["check"] == "minimum")
    assert minimum == {
        "about": f"payment {payment.pk}",
        "part": "check",
        "at": None,
        "check": "minimum",
        "status": "failed",
        "found": "5.00",
        "required": "10.00",
        "sentence": "The purchase of $5.00 was below the minimum of $10.00;"
        " a later one may qualify.",
    }
    parts = [fact["part"] for fact in facts if fact["about"] == str(payment)]
    assert parts == ["answer", *["check"] * 10, *["timeline"] * 2]
