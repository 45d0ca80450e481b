"""What did not reach us is found and processed once, also by `manage.py reconcile_stripe`."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

import pytest
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.tests.factories import Person
from payments.models import Clawback, Payment, StripeEvent
from payments.reconciliation import differences, resolve
from payments.sandbox.models import CheckoutSession, Event
from payments.tests.at_once import at_once, refusing
from payments.tests.fake_stripe import stripe_answers, stripe_is_down
from payments.tests.sandbox_purchases import (
    BANK_ACCOUNT,
    buy,
    dispute_at_stripe,
    event_body,
    pay,
    refund_at_stripe,
)
from payments.tests.stripe_events import deliver, refund, send
from payments.tests.test_commands import Run

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
    def happens() -> None:
        forget_events()
        change()

    return happens


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


@pytest.mark.django_db(transaction=True)
def test_neither_what_does_not_fit_nor_an_error_stops_the_others(
    bob: Person, charlie: Person
) -> None:
    strange, good = pay(bob), pay(charlie)
    Payment.objects.filter(pk=strange.pk).update(amount=999)

    with refusing("ledger_entries", sqlstate="P0001", times=1):
        outcomes = [found.outcome.partition(":")[0] for found in reconcile()]

    good.refresh_from_db()
    assert sorted(outcomes) == ["failed", "quarantined", "refused", "settled"]
    assert (good.status, bob.balance(), charlie.balance()) == ("paid", "0.00", "10.00")


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
def test_a_reconciliation_during_a_delivery_or_before_it_settles_once(
    alice: Person, bob: Person
) -> None:
    payment = pay(bob)
    deliver = partial(send, event_body(payment))

    at_once(*[deliver] * 3, *[reconcile] * 3)
    late = deliver()

    assert late.json()["outcome"] == "settled"
    assert (alice.balance(), bob.balance()) == ("10.00", "20.00")
    assert StripeEvent.objects.get().outcome == "settled"


def command(*arguments: str) -> list[str]:
    """Run `manage.py reconcile_stripe` and return its output as lines."""
    run = Run("reconcile_stripe", *arguments)
    assert (run.status, run.refusal) == (0, "")
    return run.printed.splitlines()


def refusal(*arguments: str) -> str:
    run = Run("reconcile_stripe", *arguments)
    assert run.status == 1
    return run.refusal


def test_the_command_shows_what_it_would_do_and_does_so_with_apply_and_a_reason(
    bob: Person,
) -> None:
    payment = pay(bob)
    differs, remedy = "checkout.session.completed was not processed", "process the event"

    header, _, session, *end = command("--reason", "To look only")
    refused = refusal("--apply", "--reason", " ")
    before = bob.balance()
    first, second = (command("--apply", "--reason", f"Endpoint down {n}") for n in (1, 2))

    assert header.split() == ["stripe_id", "difference", "remedy", "outcome"]
    assert session.split("  ")[:2] == [
        payment.session_id,
        f"paid, but payment {payment.pk} is pending",
    ]
    assert end[0].startswith("2 differences since ")
    assert end[1] == "Nothing was changed. Resolve them with --apply."
    assert (refused, before) == ("Nothing was changed: give a reason.", "0.00")
    assert first[1].endswith(f"  {differs}  {remedy}  settled")
    assert (len(first), len(second)) == (3, 1)
    assert second[0].startswith("0 differences since ")
    assert bob.balance() == "20.00"
    entries = AuditEntry.objects.order_by("pk").values_list("action", "reason")
    assert list(entries) == [("reconcile Stripe", f"Endpoint down {n}") for n in (1, 2)]


@pytest.mark.parametrize(
    ("since", "clock"),
    [("", "00:00"), ("T12:30", "12:30"), ("T12:30+00:00", "12:30"), ("T12:30+02:00", "10:30")],
)
def test_since_is_a_day_or_a_moment(bob: Person, since: str, clock: str) -> None:
    pay(bob)

    assert command("--since", f"2999-01-01{since}") == [
        f"0 differences since 2999-01-01 {clock} UTC."
    ]


def test_since_is_nothing_else(db: None) -> None:
    for since in ("yesterday", "", "2026-13-01", "22.11.2026"):
        assert "is not a date" in refusal("--since", since), since


def test_the_command_fails_while_stripe_is_down_and_when_it_refuses(settings: Any) -> None:
    answer = b'{"error": {"type": "invalid_request_error", "message": "Not like this."}}'

    with stripe_is_down(settings):
        assert refusal("--apply").startswith("Stripe: ")
    with stripe_answers(settings, 400, answer):
        assert refusal("--apply").startswith("Stripe: Not like this")
