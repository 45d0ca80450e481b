"""Unprocessed events are retried in batches, each with the current time."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from django.utils import timezone

from accounts.models import LedgerEntry
from accounts.tests.factories import Person
from payments import event_store, inbox, tasks
from payments.models import StripeEvent
from payments.tests.at_once import execute, refusing
from payments.tests.sandbox_purchases import pay
from payments.tests.stripe_events import deliver, event, failed_event, pending_payment

MINUTE = timedelta(minutes=1)


def retry_due(now: datetime) -> list[StripeEvent]:
    return [inbox.attempt(event_id, now=now) for event_id in inbox.due_for_retry(now=now)]


@contextmanager
def failing(times: int = 1_000_000) -> Iterator[None]:
    """Make the database refuse the next ledger entries."""
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    with refusing("ledger_entries", sqlstate="P0001", times=times):
        yield


def test_an_event_is_retried_when_it_is_due_until_it_is_processed(
    alice: Person, bob: Person
) -> None:
    due = failed_event(pending_payment(bob.user)).retry_at
    deliver(event(pending_payment(bob.user), amount_total=1))  # quarantined

    too_early = retry_due(due - MINUTE)
    [retried] = retry_due(due)

    assert too_early == retry_due(due + timedelta(days=1)) == []
    assert (retried.outcome, retried.attempts, retried.last_error) == ("settled", 2, "")
    assert (alice.balance(), bob.balance()) == ("10.00", "20.00")


def test_an_event_that_was_never_processed_is_retried_after_five_minutes(bob: Person) -> None:
    failed_event(pending_payment(bob.user))
    now = timezone.now()
    StripeEvent.objects.update(
        outcome="received", attempts=0, retry_at=now + event_store.RETRY_AFTER
    )

    early, [retried] = retry_due(now + 4 * MINUTE), retry_due(now + 5 * MINUTE)

    assert (early, retried.outcome) == ([], "settled")


def test_the_delays_grow_up_to_six_hours(bob: Person) -> None:
    """An attempt that fails raises nothing; its error is kept."""
    now = failed_event(pending_payment(bob.user)).retry_at
    pauses = []

    with failing():
        for _ in range(8):
            [retried] = retry_due(now)
            pauses.append((retried.retry_at - now) // MINUTE)
            now = retried.retry_at

    assert pauses == [20, 40, 80, 160, 320, 360, 360, 360]
    assert (retried.outcome, retried.attempts, retried.processed_at) == ("failed", 9, None)
    assert "refused by the test" in retried.last_error


@pytest.fixture
def two_failed(bob: Person, charlie: Person) -> None:
    for person in (bob, charlie):
        failed_event(pending_payment(person.user))


@pytest.mark.usefixtures("two_failed")
def test_an_event_that_fails_again_does_not_keep_the_next_from_settling(
    bob: Person, charlie: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where one run retries a batch of one."""
    monkeypatch.setattr(inbox, "BATCH_SIZE", 1)
    tomorrow = timezone.now() + timedelta(days=1)
    with failing(times=1):
        retried = [retry_due(tomorrow) for _ in range(3)]

    assert [[one.outcome for one in batch] for batch in retried] == [["failed"], ["settled"], []]
    assert (bob.balance(), charlie.balance()) == ("0.00", "10.00")


@contextmanager
def hours_passing(begins: datetime) -> Iterator[None]:
    """Advance the clock by an hour whenever a job reads it."""
    hours = (begins + number * timedelta(hours=1) for number in itertools.count())
    with patch.object(tasks, "timezone", SimpleNamespace(now=lambda: next(hours))):
        yield


def times_of_purchases() -> list[datetime]:
    entries = LedgerEntry.objects.filter(kind="purchase").order_by("pk")
    return list(entries.values_list("created_at", flat=True))


@pytest.mark.usefixtures("two_failed")
def test_the_clock_is_read_for_each_retried_event() -> None:
    begins = timezone.now() + timedelta(days=1)

    with hours_passing(begins):
        tasks.retry_events(0)

    assert times_of_purchases() == [begins + timedelta(hours=hours) for hours in (1, 2)]


@pytest.mark.usefixtures("sandbox")
def test_the_clock_is_read_for_each_resolved_difference(bob: Person, charlie: Person) -> None:
    begins = timezone.now()
    for person in (bob, charlie):
        pay(person)

    with hours_passing(begins):
        tasks.reconcile_stripe(0)

    times = times_of_purchases()
    assert times[1] - times[0] == timedelta(hours=1)
