"""Reconciliation finds what did not reach us, and processes it once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

import pytest
from django.utils import timezone

from accounts.tests.factories import Person
from payments.models import Clawback, Payment, StripeEvent
from payments.reconciliation import differences, resolve
from payments.sandbox.models import CheckoutSession, Event
from payments.tests.at_once import at_once, refusing
from payments.tests.sandbox_purchases import (
    BANK_ACCOUNT,
    buy,
    dispute_at_stripe,
    event_body,
    pay,
    refund_at_stripe,
)
from payments.tests.stripe_events import deliver, refund, send

ONE_DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def stripe_knows_nothing_yet(sandbox: str) -> None:
    """Empty the sandbox, which outlives the tests' transactions, on another connection."""

    def empty() -> None:
        Event.objects.all().delete()
        CheckoutSession.objects.all().delete()

    at_once(empty)


def forget_events() -> None:
    """Delete Stripe's events, as Stripe does after thirty days."""
    at_once(lambda: Event.objects.all().delete())


class Resolved(NamedTuple):
    """A difference, and the outcome of resolving it."""

    stripe_id: str
    difference: str
    remedy: str
    outcome: str = ""


def reconcile(*, apply: bool = True, since: datetime | None = None) -> list[Resolved]:
    return [
        Resolved(
            found.stripe_id,
            found.difference,
            found.remedy,
            resolve(found, now=timezone.now()) if apply else "",
        )
        for found in differences(since=since or timezone.now() - ONE_DAY)
    ]


def test_what_came_is_delayed_or_is_older_is_no_difference(bob: Person) -> None:
    buy(bob)
    buy(bob, 1000, **BANK_ACCOUNT)
    assert reconcile() == []

    pay(bob)

    assert reconcile(since=timezone.now() + ONE_DAY) == []


def test_a_paid_session_whose_event_never_came_is_found_and_stays_as_it_is(bob: Person) -> None:
    payment = pay(bob)

    event, session = reconcile(apply=False)

    assert (event.difference, event.remedy) == (
        "checkout.session.completed was not processed",
        "process the event",
    )
    assert (session.stripe_id, session.remedy) == (payment.session_id, "settle the purchase")
    assert session.difference == f"paid, but payment {payment.pk} is pending"
    assert (Payment.objects.get().status, bob.balance()) == ("pending", "0.00")
    assert not StripeEvent.objects.exists()


def forget_and(change: Callable[[], object]) -> Callable[[], object]:
    return lambda: (forget_events(), change())


@pytest.mark.parametrize(
    ("happens", "difference", "outcome"),
    [
        (object, "checkout.session.completed was not processed", "settled"),
        (forget_events, "is pending", "settled"),
        (forget_and(lambda: Payment.objects.update(status="expired")), "is expired", "settled"),
        (
            forget_and(lambda: Payment.objects.update(amount=999)),
            "is pending",
            "refused: the amount of the session is $10.00, but $9.99 in our record",
        ),
        (
            forget_and(lambda: Payment.objects.all().delete()),
            "paid, but we have no such payment",
            "none: investigate",
        ),
    ],
    ids=["event missed", "event gone", "closed by us", "of another amount", "unknown"],
)
def test_applied_it_settles_once_what_fits_our_record(
    alice: Person, bob: Person, happens: Callable[[], object], difference: str, outcome: str
) -> None:
    pay(bob)
    happens()

    [found], again = reconcile(), reconcile()

    assert found.difference.endswith(difference)
    assert outcome in (found.outcome, found.remedy)
    is_settled = outcome == "settled"
    assert again == ([] if is_settled else [found])
    assert (alice.balance(), bob.balance()) == (("10.00", "20.00") if is_settled else ("0.00",) * 2)
    assert Payment.objects.filter(status="paid").exists() is is_settled


@pytest.mark.django_db(transaction=True)
def test_with_a_refund_that_came_early_and_a_deadlock_it_settles_once(bob: Person) -> None:
    payment = pay(bob)
    forget_events()
    early = refund(payment, 400)
    early["data"]["object"]["payment_intent"] = intent_of(payment)
    deliver(early)

    with refusing("ledger_entries", sqlstate="40P01", times=1):
        outcomes = [found.outcome for found in reconcile()]

    assert (outcomes, bob.balance()) == (["settled"], "6.00")


def test_an_event_that_comes_after_all_changes_nothing(alice: Person, bob: Person) -> None:
    payment = pay(bob)
    reconcile()

    late = send(event_body(payment))

    assert late.json()["outcome"] == "settled"
    assert (alice.balance(), bob.balance()) == ("10.00", "20.00")


@pytest.mark.parametrize("happens", [refund_at_stripe, dispute_at_stripe])
def test_a_refund_or_dispute_that_never_came_is_applied_once(
    alice: Person, bob: Person, happens: Any
) -> None:
    payment = buy(bob)
    happens(payment)

    outcomes = [[found.outcome for found in reconcile()] for _ in range(2)]

    assert outcomes == [["applied"], []]
    assert (alice.balance(), bob.balance()) == ("0.00", "0.00")
    assert Clawback.objects.count() == 1


def test_a_purchase_and_its_refund_are_processed_oldest_first(alice: Person, bob: Person) -> None:
    payment = pay(bob)
    payment.payment_intent_id = intent_of(payment)
    refund_at_stripe(payment, amount="4.00")

    outcomes = [found.outcome for found in reconcile()]

    assert outcomes == ["settled", "applied"]
    assert (alice.balance(), bob.balance()) == ("0.00", "6.00")


def intent_of(payment: Payment) -> str:
    session = CheckoutSession.objects.get(stripe_id=payment.session_id)
    return session.payment_intent.stripe_id


def test_an_event_that_failed_is_processed_again(bob: Person) -> None:
    payment = buy(bob, 1000, **BANK_ACCOUNT)
    StripeEvent.objects.update(outcome="failed", processed_at=None)

    [found] = reconcile()

    payment.refresh_from_db()
    assert (found.outcome, payment.status) == ("waiting", "pending")


def test_one_refused_session_does_not_stop_the_others(bob: Person, charlie: Person) -> None:
    strange, good = pay(bob), pay(charlie)
    Payment.objects.filter(pk=strange.pk).update(amount=999)

    outcomes = [found.outcome.partition(":")[0] for found in reconcile()]

    good.refresh_from_db()
    assert sorted(outcomes) == ["quarantined", "refused", "settled"]
    assert (good.status, charlie.balance()) == ("paid", "10.00")


@pytest.mark.django_db(transaction=True)
def test_an_error_does_not_stop_the_others(bob: Person, charlie: Person) -> None:
    for person in (bob, charlie):
        pay(person)

    with refusing("ledger_entries", sqlstate="P0001", times=1):
        outcomes = [found.outcome for found in reconcile()]

    assert outcomes == ["failed", "settled", "settled"]
    assert (bob.balance(), charlie.balance()) == ("20.00", "10.00")


def test_neither_does_a_session_that_settled_nor_one_that_cannot_be_read(
    bob: Person, charlie: Person
) -> None:
    pay(bob)
    forget_events()
    buy(charlie)
    [found] = differences(since=timezone.now() - ONE_DAY)
    odd = replace(found, stripe_object={**found.stripe_object, "amount_total": None})

    outcomes = [resolve(each, now=timezone.now()) for each in (odd, found)]

    assert (outcomes[0].partition(":")[0], outcomes[1]) == ("refused", "settled")
    assert bob.balance() == "20.00"


@pytest.mark.django_db(transaction=True)
def test_a_reconciliation_during_a_delivery_settles_once(alice: Person, bob: Person) -> None:
    payment = pay(bob)
    deliver = partial(send, event_body(payment))

    at_once(*[deliver] * 3, *[reconcile] * 3)

    assert (alice.balance(), bob.balance()) == ("10.00", "20.00")
    assert StripeEvent.objects.get().outcome == "settled"
