"""Without turns a refund and the settlement of its purchase miss each other."""

from functools import partial
from threading import Barrier

import pytest

from accounts.tests.factories import Person
from payments import clawbacks
from payments.reports.invariants import breaches
from payments.tests.at_once import at_once
from payments.tests.guards import give_no_turns, meeting
from payments.tests.stripe_events import deliver, event, pending_payment, refund

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.negative_control]


def test_without_turns_a_refund_is_forgotten(
    alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each looks for the other before either is committed; the ledger check alone finds it."""
    give_no_turns(monkeypatch)
    barrier = Barrier(2)
    for name in ("_lock_payment", "apply_early_clawbacks"):
        looked = meeting(getattr(clawbacks, name), after=True, barrier=barrier)
        monkeypatch.setattr(clawbacks, name, looked)
    payment = pending_payment(bob.user)

    calls = (partial(deliver, one) for one in (event(payment), refund(payment, 1000)))
    outcomes = [answer.json()["outcome"] for answer in at_once(*calls)]

    assert outcomes == ["settled", "deferred"]
    assert (alice.balance(), bob.balance()) == ("10.00", "20.00")
    assert {one.invariant for one in breaches()} == {
        "a refund or dispute of a settled purchase is applied"
    }
