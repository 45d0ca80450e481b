"""Stripe created the session, but its answer was lost: later events still find our payment."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from accounts.tests.factories import Person
from payments import checkout, reconciliation
from payments.models import Payment, StripeEvent
from payments.stripe_objects import MARK
from payments.tests.at_once import at_once
from payments.tests.sandbox_purchases import BANK_ACCOUNT, event_body, pay
from payments.tests.stripe_events import deliver, event, lose_answer, pending_payment, send
from payments.tests.test_checkout import ask

COMPLETED = "checkout.session.completed"
SUCCEEDED = "checkout.session.async_payment_succeeded"
EXPIRED = "checkout.session.expired"
LONG_AFTER = timedelta(days=3)


@pytest.fixture
def unanswered(bob: Person) -> Payment:
    """A payment of Bob's whose session id did not reach our database."""
    payment = pending_payment(bob.user)
    lose_answer(payment)
    return payment


def outcome(payment: Payment, kind: str = COMPLETED, **changes: Any) -> str:
    came_of_it: str = deliver(event(payment, kind, **changes)).json()["outcome"]
    return came_of_it


def now_of(payment: Payment) -> tuple[str, str | None]:
    kept = Payment.objects.get(pk=payment.pk)
    return kept.status, kept.session_id


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(
    ("account", "kind", "status", "outcomes"),
    [
        ({}, COMPLETED, "paid", ("settled", "repeated")),
        (BANK_ACCOUNT, SUCCEEDED, "pending", ("waiting", "settled")),
    ],
    ids=["by card", "later, from a bank account"],
)
def test_once_it_is_paid_it_settles_once_with_both_bonuses(
    alice: Person,
    bob: Person,
    account: dict[str, str],
    kind: str,
    status: str,
    outcomes: tuple[str, str],
) -> None:
    payment = pay(bob, 1000, **account)
    lose_answer(payment)

    first = send(event_body(payment)).json()["outcome"]
    then = now_of(payment)

    assert (first, outcome(payment, kind)) == outcomes
    assert (then, now_of(payment)) == ((status, payment.session_id), ("paid", payment.session_id))
    assert (alice.balance(), bob.balance()) == ("10.00", "20.00")


def test_a_session_that_expires_at_stripe_is_closed(unanswered: Payment) -> None:
    came_of_it = outcome(unanswered, EXPIRED, payment_status="unpaid")

    assert came_of_it == "closed"
    assert now_of(unanswered) == ("expired", unanswered.session_id)


def test_a_payment_without_any_event_is_closed_once_and_settles_when_it_is_paid_later(
    alice: Person, bob: Person, unanswered: Payment
) -> None:
    later = timezone.now() + LONG_AFTER

    assert [checkout.close_expired(now=later) for _ in range(2)] == [1, 0]
    assert now_of(unanswered) == ("expired", None)
    assert outcome(unanswered) == "settled"
    assert (alice.balance(), bob.balance()) == ("10.00", "20.00")


@pytest.mark.parametrize(
    "misfit",
    [
        {"amount_total": 999},
        {"currency": "eur"},
        {"mode": "subscription"},
        {"livemode": True},
        {"metadata": MARK},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", [COMPLETED, SUCCEEDED, EXPIRED])
def test_a_session_that_contradicts_the_payment_is_not_attached(
    alice: Person, bob: Person, unanswered: Payment, kind: str, misfit: dict[str, Any]
) -> None:
    assert outcome(unanswered, kind, **misfit) == "quarantined"
    assert now_of(unanswered) == ("created", None)
    assert (alice.balance(), bob.balance()) == ("0.00", "0.00")


@pytest.mark.parametrize(
    "number", ["", "0", "-1", "1.0", " 1", "²", "9" * 30, 1, [], {}, "\0", None]
)
def test_only_a_valid_payment_id_of_the_same_person_names_the_payment(
    charlie: Person, unanswered: Payment, number: object
) -> None:
    """The client's reference alone, which has it too, names none."""
    own, another = str(unanswered.user_id), str(charlie.user.pk)
    odd = MARK if number is None else {**MARK, "payment_id": number, "user_id": own}

    for reference in (str(unanswered.pk), own):
        assert outcome(unanswered, metadata=odd, client_reference_id=reference) == "quarantined"
    assert StripeEvent.objects.latest("pk").reason.startswith("no payment of ours")
    names = {**MARK, "payment_id": str(unanswered.pk), "user_id": another}
    assert outcome(unanswered, metadata=names) == "quarantined"
    assert StripeEvent.objects.latest("pk").payment == unanswered  # where operators find it
    assert now_of(unanswered) == ("created", None)


def test_a_second_session_of_it_is_quarantined(bob: Person, unanswered: Payment) -> None:
    outcome(unanswered)

    second = outcome(unanswered, id="cs_test_second", payment_intent="pi_second")

    assert second == "quarantined"
    assert now_of(unanswered) == ("paid", unanswered.session_id)
    assert bob.balance() == "20.00"


@pytest.mark.usefixtures("sandbox")
def test_a_repeated_request_after_closing_or_after_the_payment_is_that_purchase(
    bob: Person,
) -> None:
    first = ask(bob, "order-1").json()
    payment = Payment.objects.get()
    lose_answer(payment)
    checkout.close_expired(now=timezone.now() + LONG_AFTER)

    assert ask(bob, "order-1").json() == first
    assert Payment.objects.get().status == "pending"
    lose_answer(payment)
    outcome(payment)
    second = ask(bob, "order-1").json()
    asked, paid = ((one["payment_id"], one["session_id"]) for one in (first, second))
    assert (asked, second["status"]) == (paid, "paid")


@pytest.mark.slow
@pytest.mark.usefixtures("sandbox")
def test_it_is_reconciled_when_the_event_is_missing_too(alice: Person, bob: Person) -> None:
    payment = pay(bob)
    lose_answer(payment)
    now = timezone.now()
    at_stripe = list(reconciliation.differences(since=now - timedelta(minutes=5)))

    [found] = [one for one in at_stripe if one.stripe_id == payment.session_id]
    came_of_it = reconciliation.resolve(found, now=now)

    assert (found.difference, came_of_it) == (
        f"paid, but payment {payment.pk} is created",
        "settled",
    )
    assert (alice.balance(), bob.balance()) == ("10.00", "20.00")


@pytest.mark.django_db(transaction=True)
def test_many_simultaneous_events_settle_it_once(
    alice: Person, bob: Person, unanswered: Payment
) -> None:
    at_once(*[partial(outcome, unanswered) for _ in range(6)])

    outcomes = sorted(StripeEvent.objects.values_list("outcome", flat=True))
    assert outcomes == ["repeated"] * 5 + ["settled"]
    assert (alice.balance(), bob.balance()) == ("10.00", "20.00")
