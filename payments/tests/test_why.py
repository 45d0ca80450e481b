"""`manage.py why` answers in plain text, as CSV or as JSON."""

import csv
import json

import pytest

from accounts.models import User
from accounts.tests.factories import Person
from payments.models import Payment
from payments.tests.stripe_events import deliver, event, pending_payment, refund, settle
from payments.tests.test_commands import Run
from referrals.models import Referral


def lines(*arguments: str) -> list[str]:
    run = Run("why", *arguments)
    assert (run.status, run.refusal) == (0, "")
    return run.printed.splitlines()


def test_a_person_is_explained_from_the_answer_down(alice: Person, bob: Person) -> None:
    payment = settle(bob.user)

    printed = lines("bob", "--amount", "500")

    assert printed[:4] == [
        "bob: Bonus paid: $10.00 to alice, $10.00 to bob.",
        f"bob: Registered with the code {alice.code} of alice.",
        f"payment {payment.pk}: Bonus paid: $10.00 to alice, $10.00 to bob.",
        "  passed       The terms from 2026-01-01 were applied: a bonus of $20.00 in all.",
    ]
    assert "bob: A purchase of $5.00 now would earn no bonus: " in "\n".join(printed)
    assert printed[-1] == "bob: 0 of 10 uses of the code are taken, 10 left."


def test_friends_are_listed_with_their_state(alice: Person, bob: Person) -> None:
    assert lines("alice")[-1] == "  pending      bob has not made a qualifying purchase yet."


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


@pytest.mark.parametrize("by", ["pk", "session_id", "payment_intent_id"])
def test_a_payment_is_explained_alone(bob: Person, by: str) -> None:
    payment = settle(bob.user, 500)

    printed = lines("--payment", str(getattr(payment, by)))

    assert printed[0].startswith(f"payment {payment.pk}: No bonus: the purchase of $5.00")
    assert printed[-1].endswith("UTC  The purchase was paid: $5.00 credited to bob.")


def test_a_referral_is_explained_by_its_payment(bob: Person) -> None:
    payment = settle(bob.user)

    printed = lines("--referral", str(Referral.objects.get().pk))

    assert printed == lines("--payment", str(payment.pk))


def test_checks_that_were_not_stored_are_said_to_be_missing(bob: Person) -> None:
    payment = settle(bob.user)
    Payment.objects.update(checks=[])

    assert lines("--payment", str(payment.pk))[1] == (
        "  The checks of this purchase were not stored when it was paid."
    )


def test_as_json_it_has_each_check_with_its_values(bob: Person) -> None:
    payment = settle(bob.user, 500)

    facts = json.loads("\n".join(lines("--payment", str(payment.pk), "--format", "json")))

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


def test_as_csv_it_has_a_row_a_fact(bob: Person) -> None:
    payment = settle(bob.user)

    rows = list(csv.DictReader(lines("--payment", str(payment.pk), "--format", "csv")))

    assert [row["part"] for row in rows] == ["answer", *["check"] * 10, *["timeline"] * 3]


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (["nobody"], "There is no user 'nobody'."),
        (["cs_test_nothing"], "There is no user 'cs_test_nothing'."),
        (["--payment", "12345"], "There is no payment '12345'."),
        (["--payment", "nonsense"], "There is no payment 'nonsense'."),
        (["--referral", "12345"], "There is no referral 12345 with a payment."),
        ([], "Name one: a USER, --payment ID or --referral ID."),
        (["bob", "--payment", "1"], "Name one: a USER, --payment ID or --referral ID."),
        (["--payment", "1", "--amount", "5"], "--amount asks what a USER's purchase would earn."),
    ],
)
def test_where_there_is_nothing_to_explain_it_exits_with_1(
    db: None, arguments: list[str], refusal: str
) -> None:
    run = Run("why", *arguments)

    assert (run.status, run.refusal, run.printed) == (1, refusal, "")


@pytest.mark.parametrize("amount", ["0", "-5", "ten", "1.5", "٣", "100000000"])
def test_what_is_no_amount_is_refused(bob: Person, amount: str) -> None:
    assert "is no amount" in Run("why", "bob", f"--amount={amount}").refusal
