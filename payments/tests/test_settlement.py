"""A paid session credits the buyer once and, if due, pays both bonuses."""

from datetime import datetime
from itertools import permutations, product
from typing import Any

import pytest

from accounts.models import LedgerEntry
from accounts.tests.factories import Person
from payments import clawbacks, inbox
from payments.models import Payment, StripeEvent
from payments.outcomes import QuarantinedError
from payments.tests.stripe_events import deliver, event, pending_payment, refund, settle

COMPLETED = "checkout.session.completed"
SUCCEEDED = "checkout.session.async_payment_succeeded"
FAILED = "checkout.session.async_payment_failed"
EXPIRED = "checkout.session.expired"


def report(payment: Payment, kind: str, **changes: Any) -> str:
    """Deliver a new event about `payment` and return its outcome."""
    if kind in (FAILED, EXPIRED):
        changes = {"payment_status": "unpaid", **changes}
    outcome: str = deliver(event(payment, kind, **changes)).json()["outcome"]
    assert inbox.is_possible_outcome(kind, outcome)
    return outcome


def status_of(payment: Payment) -> str:
    payment.refresh_from_db()
    return payment.status


def test_it_credits_the_purchase_and_both_bonuses_once_by_our_own_record(
    alice: Person, bob: Person
) -> None:
    payment = pending_payment(bob.user, 1000)
    paid = event(payment, client_reference_id=str(alice.user.pk), amount_subtotal=99_900)

    outcomes = [deliver(paid).json()["outcome"] for _ in range(3)]

    assert outcomes == ["settled"] * 3
    assert (alice.balance(), bob.balance()) == ("10.00", "20.00")
    assert status_of(payment) == "paid"
    assert payment.payment_intent_id == f"pi_{payment.session_id}"
    assert payment.paid_at
    assert payment.ledger_entry
    assert payment.ledger_entry.reference == payment.session_id
    assert LedgerEntry.objects.get(kind="purchase").user == bob.user


def test_a_payment_intent_of_another_purchase_is_quarantined(bob: Person) -> None:
    first, second = settle(bob.user), pending_payment(bob.user)

    outcome = report(second, COMPLETED, payment_intent=first.payment_intent_id)

    assert (outcome, status_of(second)) == ("quarantined", "pending")
    assert bob.balance() == "20.00"


def test_a_completed_session_that_is_unpaid_waits_for_the_money(alice: Person, bob: Person) -> None:
    payment = pending_payment(bob.user)

    waiting = report(payment, COMPLETED, payment_status="unpaid")

    assert (waiting, status_of(payment)) == ("waiting", "pending")
    assert bob.balance() == "0.00"
    first = payment.completed_at
    report(payment, COMPLETED, payment_status="unpaid")
    assert (report(payment, SUCCEEDED), status_of(payment)) == ("settled", "paid")
    assert (alice.balance(), bob.balance()) == ("10.00", "20.00")
    assert first
    assert payment.completed_at == first


@pytest.mark.parametrize(
    ("first", "second"),
    [
        *((COMPLETED, kind) for kind in (COMPLETED, SUCCEEDED, EXPIRED, FAILED)),
        (SUCCEEDED, COMPLETED),
    ],
)
def test_a_paid_session_settles_once_and_stays_paid_whatever_else_is_reported(
    alice: Person, bob: Person, first: str, second: str
) -> None:
    payment = pending_payment(bob.user)

    outcomes = [report(payment, kind) for kind in (first, second)]

    assert (outcomes, status_of(payment)) == (["settled", "repeated"], "paid")
    assert (alice.balance(), bob.balance()) == ("10.00", "20.00")


@pytest.mark.parametrize(("kind", "status"), [(FAILED, "failed"), (EXPIRED, "expired")])
def test_a_purchase_that_was_not_paid_is_closed(bob: Person, kind: str, status: str) -> None:
    payment = pending_payment(bob.user)

    outcome = report(payment, kind)

    assert (outcome, status_of(payment)) == ("closed", status)
    assert bob.balance() == "0.00"


@pytest.mark.parametrize(
    "kinds",
    [
        *permutations([COMPLETED, SUCCEEDED, EXPIRED, FAILED]),
        *permutations([COMPLETED, EXPIRED, FAILED]),
    ],
    ids=lambda kinds: "-".join(kind.rpartition(".")[2] for kind in kinds),
)
def test_every_order_of_events_ends_paid_if_the_money_arrived_and_else_closed(
    alice: Person, bob: Person, kinds: tuple[str, ...]
) -> None:
    payment = pending_payment(bob.user)

    for kind in kinds:
        report(payment, kind, payment_status="paid" if kind == SUCCEEDED else "unpaid")

    is_paid = SUCCEEDED in kinds
    assert status_of(payment) in ({"paid"} if is_paid else {"failed", "expired"})
    end = ("10.00", "20.00") if is_paid else ("0.00", "0.00")
    assert (alice.balance(), bob.balance()) == end


MISFITS: list[dict[str, Any]] = [
    *({"payment_status": status} for status in ("no_payment_required", "free")),
    *({"mode": mode} for mode in ("subscription", "setup")),
    *({"amount_total": cents} for cents in (999, 1001, 0, -1000, 10**40)),
    *({"currency": currency} for currency in ("eur", "USD")),
    *({"id": "cs_test_unknown"}, {"livemode": True}, {"payment_intent": None}),
]


@pytest.mark.parametrize(
    ("kind", "misfit"),
    [
        *product([COMPLETED, SUCCEEDED], MISFITS),
        *product([EXPIRED, FAILED], [{"amount_total": 1}]),
    ],
    ids=str,
)
def test_a_session_that_contradicts_our_record_is_quarantined(
    alice: Person, bob: Person, kind: str, misfit: dict[str, Any]
) -> None:
    payment = pending_payment(bob.user)

    response = deliver(event(payment, kind, **misfit))

    kept = StripeEvent.objects.get()
    assert (response.status_code, kept.outcome) == (200, "quarantined")
    assert kept.reason
    assert status_of(payment) == "pending"
    assert (alice.balance(), bob.balance()) == ("0.00", "0.00")
    assert report(payment, COMPLETED) == "settled"


@pytest.mark.parametrize("name", ["user_id", "payment_id"])
def test_metadata_that_names_another_is_quarantined(alice: Person, bob: Person, name: str) -> None:
    payment, other = pending_payment(bob.user), pending_payment(alice.user)
    metadata = {"user_id": str(bob.user.pk), "payment_id": str(payment.pk)}
    another = {"user_id": str(alice.user.pk), "payment_id": str(other.pk)}

    outcome = report(payment, COMPLETED, metadata=metadata | {name: another[name]})

    assert outcome == "quarantined"
    assert (alice.balance(), bob.balance()) == ("0.00", "0.00")


def test_what_is_quarantined_halfway_leaves_nothing_behind(
    alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(payment: Payment, *, now: datetime) -> None:
        raise QuarantinedError("it does not fit after all")

    monkeypatch.setattr(clawbacks, "apply_early_clawbacks", refuse)
    payment = pending_payment(bob.user)
    deliver(refund(payment, 100))

    assert report(payment, COMPLETED) == "quarantined"
    assert (alice.balance(), bob.balance()) == ("0.00", "0.00")
