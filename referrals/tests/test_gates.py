"""Every gate before a bonus is asked, in order, and what it said is kept with the payment."""

from decimal import Decimal

import pytest

from accounts.models import User
from accounts.tests.factories import Person, register
from payments.models import Payment
from payments.tests.stripe_events import refer, settle
from referrals import gates
from referrals.gates import Decision, Gate, Name, Verdict
from referrals.tests.factories import ProgramFactory


def kept(payment: Payment) -> dict[str, str]:
    """Return the verdict of each gate, as the payment keeps it."""
    return {gate.name: gate.verdict for gate in gates.read(payment.gates)}


def gate(payment: Payment, name: Name) -> Gate:
    return next(gate for gate in gates.read(payment.gates) if gate.name == name)


def test_a_purchase_that_is_awarded_passed_every_gate_in_order(bob: Person) -> None:
    payment = settle(bob.user)

    assert kept(payment) == dict.fromkeys(Name, Verdict.PASSED)
    assert list(kept(payment)) == list(Name)


def test_each_gate_keeps_what_it_found_and_what_it_asked_for(alice: Person, bob: Person) -> None:
    payment = settle(bob.user, 1250)

    assert gate(payment, Name.MINIMUM) == Gate(Name.MINIMUM, Verdict.PASSED, "12.50", "10.00")
    assert gate(payment, Name.CAP) == Gate(Name.CAP, Verdict.PASSED, "0", "10")
    assert gate(payment, Name.ATTRIBUTED).found == alice.code
    assert gate(payment, Name.REFERRER).found == "alice"
    assert gate(payment, Name.TERMS) == Gate(Name.TERMS, Verdict.PASSED, "2026-01-01", "20.00")


def test_gates_behind_a_shut_one_are_asked_all_the_same(alice: Person, bob: Person) -> None:
    refer(alice, 10)

    payment = settle(bob.user, 500)

    assert payment.bonus_decision == Decision.BELOW_MINIMUM
    assert gate(payment, Name.CAP) == Gate(Name.CAP, Verdict.FAILED, "10", "10")
    assert kept(payment)[Name.FIRST] == Verdict.PASSED


def test_without_a_referrer_nothing_is_asked_about_him(charlie: Person) -> None:
    payment = settle(charlie.user)

    assert payment.bonus_decision == Decision.NOT_REFERRED
    assert kept(payment)[Name.ATTRIBUTED] == Verdict.FAILED
    assert {kept(payment)[name] for name in list(Name)[4:]} == {Verdict.NOT_ASKED}


def test_a_deleted_referrer_fails_his_gate(alice: Person, bob: Person) -> None:
    alice.user.delete()

    payment = settle(bob.user)

    assert gate(payment, Name.REFERRER) == Gate(Name.REFERRER, Verdict.FAILED)


def test_one_mailbox_is_held_at_its_gate(alice: Person) -> None:
    twin = register("twin", code=alice.code)
    User.objects.filter(pk=twin.user.pk).update(email="alice+twin@example.com")

    payment = settle(twin.user)

    assert (payment.bonus_decision, kept(payment)[Name.MAILBOX]) == ("held", Verdict.HELD)


def test_what_was_true_then_stays_written(alice: Person, bob: Person) -> None:
    payment = settle(bob.user)
    refer(alice, 9)
    ProgramFactory.create(minimum_purchase=Decimal("50.00"))

    payment.refresh_from_db()

    assert gate(payment, Name.CAP).found == "0"
    assert gate(payment, Name.MINIMUM).required == "10.00"


@pytest.mark.parametrize(
    ("name", "decision"),
    [
        (Name.MINIMUM, "below_minimum"),
        (Name.FIRST, "not_first"),
        (Name.ATTRIBUTED, "not_referred"),
        (Name.REFERRER, "referrer_gone"),
        (Name.OTHER, "self_referral"),
        (Name.CAP, "cap_reached"),
        (Name.BUDGET, "budget_spent"),
    ],
)
def test_the_first_shut_gate_decides(name: Name, decision: str) -> None:
    asked = [Gate(one, Verdict.PASSED) for one in Name]
    asked = gates.shut(gates.shut(asked, Name.BUDGET), name)

    assert gates.decide(asked) == decision


def test_a_shut_gate_counts_more_than_one_that_holds() -> None:
    asked = [Gate(Name.MAILBOX, Verdict.HELD), Gate(Name.BUDGET, Verdict.PASSED)]

    assert gates.decide(asked) == Decision.HELD
    assert gates.decide([Gate(Name.BUDGET, Verdict.FAILED), *asked]) == Decision.BUDGET_SPENT


def test_gates_read_back_as_they_were_written() -> None:
    asked = [Gate(Name.CAP, Verdict.FAILED, "10", "10"), Gate(Name.MAILBOX, Verdict.NOT_ASKED)]

    assert gates.read(gates.written(asked)) == asked
