"""A purchase's time is Stripe's, when it was paid; an entry's is ours, when it was posted."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.forms import model_to_dict
from django.utils import timezone

from accounts.models import LedgerEntry
from accounts.tests.factories import Person, register
from payments import inbox, reconciliation
from payments.models import DailyTotals, Payment, StripeEvent
from payments.reports import daily
from payments.tests.sandbox_purchases import pay
from payments.tests.stripe_events import deliver, event, failed_event, pending_payment
from payments.tests.test_reconciliation import forget_events
from referrals.models import Referral
from referrals.tests.factories import ProgramFactory

NOON = datetime(2026, 5, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def at(moment: datetime) -> time_machine.travel:
    return time_machine.travel(moment, tick=False)


def paid_at(payment: Payment) -> datetime | None:
    payment.refresh_from_db()
    return payment.paid_at


@pytest.fixture
def order(db: None) -> Payment:
    """What Bob, whom Alice invited, ordered at noon."""
    with at(NOON):
        alice = register("alice")
        return pending_payment(register("bob", code=alice.code).user)


def reported(payment: Payment, created: datetime) -> dict[str, Any]:
    return event(payment) | {"created": int(created.timestamp())}


@pytest.mark.parametrize(
    ("created", "expected"),
    [
        (NOON + HOUR, NOON + HOUR),
        (NOON - HOUR, NOON),
        (NOON + 9 * HOUR, NOON + 6 * HOUR),
    ],
    ids=["it comes late", "not before it was ordered", "not after it was received"],
)
def test_an_event_and_its_terms_are_of_the_time_when_it_was_paid_within_bounds(
    order: Payment, created: datetime, expected: datetime
) -> None:
    ProgramFactory.create(starts_at=NOON + 2 * HOUR, referrer_bonus=Decimal(50))

    with at(NOON + 6 * HOUR):
        deliver(reported(order, created))

    referral = Referral.objects.get()
    assert paid_at(order) == referral.completed_at == expected
    assert referral.bonus_amount == (50 if expected > NOON + 2 * HOUR else 10)
    assert set(LedgerEntry.objects.values_list("created_at", flat=True)) == {NOON + 6 * HOUR}


@pytest.mark.parametrize("created", [None, "1800000000", True, -1, 0, 1.5, 10**400])
def test_an_event_without_a_time_is_quarantined(order: Payment, created: object) -> None:
    response = deliver(event(order) | {"created": created})

    is_time = created in (0, 10**400)
    assert response.json()["outcome"] == ("settled" if is_time else "quarantined")
    assert is_time or StripeEvent.objects.get().reason.startswith("created is")


def test_a_closed_day_is_counted_again_for_a_purchase_that_was_paid_on_it(order: Payment) -> None:
    next_noon = NOON + 24 * HOUR
    with at(next_noon):
        daily.close_days(now=next_noon)
        assert DailyTotals.objects.get(day=NOON.date()).first_purchases == 0
        deliver(reported(order, NOON + HOUR))

    for later in (next_noon + HOUR, next_noon + 24 * HOUR):
        daily.close_days(now=later)

    days = daily.days_of(daily.Span(date(2026, 5, 10), date(2026, 5, 12)))
    assert [day.first_purchases for day in days] == [1, 0, 0]
    assert [day.purchases for day in days] == [0, 10, 0]


@pytest.mark.parametrize("is_closed_between", [True, False])
@pytest.mark.parametrize("days_late", [(1, 2), (2, 1)], ids=str)
def test_late_purchases_change_which_one_was_the_first(
    order: Payment, days_late: tuple[int, int], is_closed_between: bool
) -> None:
    """The stored days are as if they were counted from scratch, in whatever order events come."""
    with at(NOON):
        others = [pending_payment(order.user, cents) for cents in (500, 2000)]
    with at(NOON + 3 * DAY):
        deliver(event(order))
    daily.close_days(now=NOON + 5 * DAY)
    for number, (payment, days) in enumerate(zip(others, days_late, strict=True)):
        with at(NOON + (5 + number) * DAY):
            deliver(reported(payment, NOON + days * DAY))
        if is_closed_between:
            daily.close_days(now=NOON + (6 + number) * DAY)
    daily.close_days(now=NOON + 8 * DAY)
    span = daily.Span(date(2026, 5, 10), date(2026, 5, 17))
    stored = [model_to_dict(day) for day in daily.days_of(span)]

    daily.clear()

    assert [model_to_dict(day) for day in daily.days_of(span)] == stored
    assert [day["ages_at_purchase"] for day in stored if day["ages_at_purchase"]] == [[1]]


def test_a_session_without_an_event_was_paid_when_its_charge_was_made(
    bob: Person, sandbox: str
) -> None:
    payment = pay(bob)
    forget_events()
    later = timezone.now() + 6 * HOUR

    for difference in reconciliation.differences(since=timezone.now() - HOUR):
        reconciliation.resolve(difference, now=later)

    paid = paid_at(payment)
    assert paid
    assert paid < later - 5 * HOUR


def test_an_attempt_is_counted_before_the_work(
    order: Payment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event that kills the worker waits longer each time, and others go first."""
    with at(NOON + HOUR):
        deadly = failed_event(order).event_id

    def die(*args: object, **kwargs: object) -> None:
        raise SystemExit

    monkeypatch.setattr(inbox, "_process", die)
    for attempts in (2, 3):
        with pytest.raises(SystemExit):
            inbox.attempt(deadly, now=NOON + attempts * HOUR)
        stored = StripeEvent.objects.get()
        assert stored.attempts == attempts
        assert stored.retry_at == NOON + attempts * HOUR + timedelta(minutes=5) * 2**attempts
