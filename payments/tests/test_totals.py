"""Totals of days and periods, compared with numbers that were counted by hand."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.forms import model_to_dict

from accounts.models import User
from accounts.tests.factories import Person, give, register
from payments.models import DailyTotals, Payment
from payments.reports import daily
from payments.reports.daily import Day, Span
from payments.reports.totals import Books, Cohort, Debts, ProgramTotals, program_totals
from payments.tests.stripe_events import deliver, dispute, refund, settle, turn
from payments.tests.test_commands import Run
from referrals import invite_views
from referrals.models import Referral

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
NO_DEBTS = Debts(Decimal(0), 0)


@pytest.fixture
def history(db: None) -> None:
    """A week (14th to 20th) and the week before it (7th to 13th).

    Alice invites. Before: Bob comes on the 8th and buys on the 9th, a day later. In the week:
    Carol, Dave, Eve and Frank come by the code, and Grace by herself. Carol buys after two days,
    Dave after four, and gets all of it back; Eve buys too little, Frank nothing; Grace buys.
    """
    with at(1):
        alice = register("alice")
    with at(8):
        bob = register("bob", code=alice.code)
    with at(9):
        settle(bob.user)
    with at(14, "00:00:00"):
        invite_views.find_and_count(alice.code, now=datetime.now(UTC))
        carol, dave = (register(name, code=alice.code) for name in ("carol", "dave"))
    with at(15):
        eve, _ = (register(name, code=alice.code) for name in ("eve", "frank"))
        settle(register("grace").user, 2500)
        settle(eve.user, 999)
    with at(16, "00:00:00"):
        settle(carol.user)
    with at(18, "00:00:00"):
        purchase = settle(dave.user)
    with at(19):
        deliver(refund(purchase, 1000))


def week() -> ProgramTotals:
    return program_totals(days=7, now=NOW)


@pytest.fixture(params=[False, True], ids=["open", "closed"])
def open_or_closed_days(history: None, request: pytest.FixtureRequest) -> None:
    if request.param:
        daily.close_days(now=NOW)


@pytest.mark.usefixtures("open_or_closed_days")
def test_the_totals_are_those_of_the_period() -> None:
    found = week()

    now, before = found.now.sums, found.before.sums
    assert (now.invite_views, now.signups, now.invited_signups, now.first_purchases) == (1, 5, 4, 3)
    assert [now.bonuses, now.bonuses_taken, now.money_back] == [40, 20, 10]
    assert now.purchases == Decimal("54.99")
    assert (before.invite_views, before.signups, before.first_purchases) == (0, 1, 1)
    assert before.bonuses == 20
    # The medians are of those who came by a code, and bought in the period.
    assert found.now.time_to_purchase == timedelta(days=3)
    assert found.before.time_to_purchase == timedelta(days=1)
    # Those who came by a code: two of four had made a qualifying purchase.
    assert found.now.cohort == Cohort(invited=4, bought=3, qualified=2)
    assert found.now.cohort.conversion == Decimal("50.0")
    assert found.before.cohort == Cohort(invited=1, bought=1, qualified=1)
    # At its start Alice had 10 and Bob 20, and the bonuses were those of Bob's purchase.
    assert found.books_before == Books(Decimal(30), NO_DEBTS, Decimal(20), Decimal(0))


@pytest.mark.usefixtures("history")
def test_the_earlier_cohort_has_no_more_time_to_buy() -> None:
    with at(13):
        heidi = register("heidi", code=User.objects.get(username="alice").referral_code)
    with at(14):
        settle(heidi.user)

    assert week().before.cohort == Cohort(invited=2, bought=1, qualified=1)


@pytest.mark.usefixtures("open_or_closed_days")
def test_credits_outstanding_count_the_whole_history() -> None:
    # Alice has 20, Bob 20, Carol 20, Grace 25, Eve 9.99; Dave has nothing.
    books = Books(Decimal("94.99"), NO_DEBTS, bonuses_given=Decimal(60), bonuses_taken=Decimal(20))
    for days in (1, 7, 90):
        assert program_totals(days=days, now=NOW).books == books, days


@pytest.fixture
def debtor(history: None) -> None:
    """Bob, who spends 15 of his 20 dollars before he gets his money back."""
    bob = User.objects.get(username="bob")
    with at(20):
        give(Person(bob, ""), "-15")
        deliver(refund(Payment.objects.get(user=bob), 1000))


@pytest.mark.usefixtures("debtor")
def test_debts_do_not_reduce_credits_outstanding_and_are_known_at_the_start_of_the_period() -> None:
    # Bob has -15; Alice 10, Carol 20, Grace 25, Eve 9.99.
    found, debts = week(), Debts(Decimal(15), 1)
    with at(21):
        settle(User.objects.get(username="bob"), 1500)
    then = program_totals(days=1, now=datetime(2026, 5, 21, 13, tzinfo=UTC))

    assert found.books.outstanding == then.books_before.outstanding == Decimal("64.99")
    assert (found.books.debts, found.books_before.debts) == (debts, NO_DEBTS)
    assert found.books.bonuses == 20
    assert (then.books.debts, then.books_before.debts) == (NO_DEBTS, debts)


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("status", ["held", "voided"])
def test_a_bonus_that_is_held_or_voided_is_taken_back(status: str) -> None:
    with at(20):
        turn(Referral.objects.get(referred_user__username="carol"), status)

    found = week()

    # Carol's and Dave's were paid; his were taken back with the refund, hers now.
    assert found.now.sums.bonuses == found.now.sums.bonuses_taken == 40
    assert found.books.bonuses == 20


def test_without_users_all_totals_are_zero(db: None) -> None:
    found = week()

    assert (found.now.cohort.conversion, found.now.time_to_purchase) == (None, None)
    assert [day.signups for day in found.now.days] == 7 * [0]
    assert found.books == found.books_before == Books(Decimal(0), NO_DEBTS, Decimal(0), Decimal(0))
    assert daily.close_days(now=NOON) == 0
    assert days(1, 2) == [day(1), day(2)]


def report(*arguments: str) -> Run:
    with time_machine.travel(NOW, tick=False):
        return Run("referral_report", *arguments)


@pytest.mark.usefixtures("history")
def test_the_report_prints_the_same_totals() -> None:
    rows: list[dict[str, Any]] = json.loads(report("--days", "7", "--format", "json").printed)

    shown = {row["figure"]: (row["value"], row["before"]) for row in rows}
    assert shown["sign_ups"] == (5, 1)
    assert shown["conversion_percent"] == (50.0, 100.0)
    assert shown["median_hours_to_first_purchase"] == (72.0, 24.0)
    assert shown["bonuses_given_in_all"] == (60.0, 20.0)
    assert shown["bonuses_taken_back_in_all"] == (20.0, 0.0)
    assert shown["bonuses_paid_in_all"] == (40.0, 20.0)
    assert shown["credits_outstanding"] == (94.99, 30.0)
    lines = report("--days", "7").printed.splitlines()
    assert lines[0] == "figure                          value  before"
    assert lines[-2].split() == ["debts", "0.00", "0.00"]
    assert lines[-1] == "19 figures since 2026-05-14."


@pytest.mark.parametrize("days", ["0", "-1", "3661", "soon"])
def test_the_report_refuses_invalid_days(db: None, days: str) -> None:
    assert "--days" in report("--days", days).refusal


MAY = [date(2026, 5, day) for day in range(1, 11)]
NOON = datetime(2026, 5, 10, 12, tzinfo=UTC)


def at(day: int, clock: str = "12:00:00") -> time_machine.travel:
    return time_machine.travel(f"2026-05-{day:02} {clock}Z", tick=False)


@pytest.fixture
def first_days(db: None) -> None:
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


@pytest.mark.usefixtures("first_days")
def test_each_day_has_its_own_totals_the_same_whether_stored_or_counted() -> None:
    assert days(1, 7) == EXPECTED

    closed = daily.close_days(now=NOON - timedelta(days=5))

    assert closed == DailyTotals.objects.count() == 3
    assert days(1, 7) == EXPECTED
    assert [daily.close_days(now=NOON - timedelta(days=days)) for days in (5, 0)] == [0, 5]
    assert days(1, 7) == EXPECTED


@pytest.mark.usefixtures("first_days")
def test_a_day_is_closed_an_hour_after_its_end() -> None:
    early = daily.close_days(now=datetime(2026, 5, 3, 0, 59, 59, tzinfo=UTC))
    in_time = daily.close_days(now=datetime(2026, 5, 3, 1, tzinfo=UTC))

    assert (early, in_time) == (0, 1)


@pytest.mark.usefixtures("first_days")
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
