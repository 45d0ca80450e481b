"""`manage.py why` answers in plain text, or with one record for each fact."""

import json

import pytest

from accounts.models import User
from accounts.tests.factories import Person
from payments.models import Payment
from payments.tests.stripe_events import deliver, event, pending_payment, refund, settle
from payments.tests.test_commands import Run


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


def test_of_several_people_nobody_is_explained(bob: Person) -> None:
    session = str(settle(bob.user).session_id)
    User.objects.create(username=session, email="mallory@example.com")

    refusal = Run("why", session).refusal

    assert f"may be #{bob.user.pk} bob, #" in refusal


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


@pytest.mark.parametrize("name", ["nobody", "cs_test_nothing"])
def test_where_there_is_nobody_it_exits_with_1(db: None, name: str) -> None:
    run = Run("why", name)

    assert (run.status, run.refusal, run.printed) == (1, f"There is no user '{name}'.", "")
