"""A day's totals are the same whether stored or counted, and days are in UTC."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.forms import model_to_dict

from accounts.tests.factories import register
from payments.models import DailyTotals
from payments.reports import daily
from payments.reports.daily import Day, Span
from payments.tests.stripe_events import deliver, dispute, refund, settle
from referrals import invite_views

MAY = [date(2026, 5, day) for day in range(1, 11)]
NOON = datetime(2026, 5, 10, 12, tzinfo=UTC)


def at(day: int, clock: str = "12:00:00") -> time_machine.travel:
    return time_machine.travel(f"2026-05-{day:02} {clock}Z", tick=False)


@pytest.fixture
def history(db: None) -> None:
    """Alice joins on the 2nd, Bob with her code on the 3rd; he buys on the 4th, and so on."""
    with at(2):
        alice = register("alice")
    with at(3):
        invite_views.find_and_count(alice.code, now=datetime.now(UTC))
        invite_views.find_and_count(alice.code, now=datetime.now(UTC))
        bob = register("bob", code=alice.code)
        settle(bob.user, 500)
    with at(4):
        purchase = settle(bob.user, 3000)
    with at(5):
        deliver(refund(purchase, 1000))
        deliver(dispute(purchase, 2000))
    with at(6):
        deliver(dispute(purchase, 2000, status="won"))


def day(number: int, **figures: Any) -> dict[str, Any]:
    totals: dict[str, Any] = dict.fromkeys([field.name for field in Day._meta.fields], 0)
    lists = ("times_to_purchase", "ages_at_purchase", "ages_at_qualifying")
    return totals | {"day": MAY[number - 1], **{name: [] for name in lists}} | figures


def days(first: int, last: int) -> list[dict[str, Any]]:
    return [model_to_dict(found) for found in daily.days_of(Span(MAY[first - 1], MAY[last - 1]))]


EXPECTED = [
    day(1),
    day(2, signups=1),
    day(3, invite_views=2, signups=1, invited_signups=1, ages_at_purchase=[0], purchases=5, net=5),
    day(
        4,
        first_purchases=1,
        times_to_purchase=[86400],
        ages_at_qualifying=[1],
        purchases=30,
        bonuses=20,
        net=50,
    ),
    day(5, refunds=10, disputes=20, bonuses_taken=20, net=-50),
    day(6, reinstated=20, bonuses=20, net=40),
    day(7),
]


@pytest.mark.usefixtures("history")
def test_each_day_has_its_own_totals_the_same_whether_stored_or_counted() -> None:
    assert days(1, 7) == EXPECTED

    closed = daily.close_days(now=NOON - timedelta(days=5))

    assert closed == DailyTotals.objects.count() == 3
    assert days(1, 7) == EXPECTED
    assert [daily.close_days(now=NOON - timedelta(days=days)) for days in (5, 0)] == [0, 5]
    assert days(1, 7) == EXPECTED


@pytest.mark.usefixtures("history")
def test_a_day_is_closed_an_hour_after_its_end() -> None:
    early = daily.close_days(now=datetime(2026, 5, 3, 0, 59, 59, tzinfo=UTC))
    in_time = daily.close_days(now=datetime(2026, 5, 3, 1, tzinfo=UTC))

    assert (early, in_time) == (0, 1)


@pytest.mark.usefixtures("history")
def test_entries_with_past_dates_count_after_the_stored_days_are_cleared() -> None:
    daily.close_days(now=NOON)
    with at(2):
        register("dave")

    before = daily.days_of(Span(MAY[1], MAY[1]))[0].signups
    daily.clear()

    assert (before, daily.days_of(Span(MAY[1], MAY[1]))[0].signups) == (1, 2)


@pytest.mark.parametrize("clock", ["00:00:00", "23:59:59.999999"])
def test_a_day_goes_from_midnight_to_midnight_in_utc(db: None, clock: str) -> None:
    with at(4, clock):
        settle(register("alice").user)

    days = daily.days_of(Span(MAY[2], MAY[4]))

    assert [day.signups for day in days] == [day.first_purchases for day in days] == [0, 1, 0]
    assert [day.net for day in days] == [0, 10, 0]


def test_without_users_there_is_nothing_to_close(db: None) -> None:
    assert daily.close_days(now=NOON) == 0
    assert days(1, 2) == [day(1), day(2)]
