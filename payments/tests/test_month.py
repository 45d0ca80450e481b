"""A month's statement adds up to the ledger, whether its days are stored, open or half filled."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts.models import LedgerEntry
from accounts.tests.factories import Person, give, register
from accounts.tests.test_adjustments import ask, reverse
from payments import tasks
from payments.models import DailyTotals
from payments.reports import daily
from payments.reports.daily import Span
from payments.reports.invariants import breaches
from payments.reports.month import Statement, statement
from payments.tests.at_once import execute
from payments.tests.stripe_events import deliver, dispute, refund, settle

APRIL = Span(date(2026, 4, 1), date(2026, 4, 30))
MAY = Span(date(2026, 5, 1), date(2026, 5, 31))
JUNE = datetime(2026, 6, 1, 1, tzinfo=UTC)


def at(moment: str) -> time_machine.travel:
    return time_machine.travel(f"2026-{moment}Z", tick=False)


def of(statement: Statement) -> list[Decimal]:
    """Return the opening credit, the lines, and the closing credit."""
    return [statement.opening.net, *statement.lines.values(), statement.closing.net]


@pytest.fixture
def history(db: None) -> None:
    """Something of each line in May, and something before and after."""
    with at("04-30 23:59:59"):
        alice = register("alice")
        settle(alice.user, 7700)
    with at("05-01 00:00:00"):
        bob = register("bob", code=alice.code)
        purchase = settle(bob.user, 3000)
    with at("05-05 12:00"):
        deliver(refund(purchase, 500))
        deliver(dispute(purchase, 2500))
    with at("05-06 12:00"):
        deliver(dispute(purchase, 2500, status="won"))
    with at("05-20 12:00"):
        give(alice, "3.00")
        ask(alice, "-50.00", now=timezone.now())
        reverse(ask(bob, "1.00", now=timezone.now()), now=timezone.now())
    with at("05-31 23:59:59.999999"):
        settle(bob.user, 100)
    with at("06-01 00:00:00"):
        settle(bob.user, 200)


EXPECTED = [77, 31, 40, -20, -5, -25, 25, -46, -1, 76]


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("closed", [None, datetime(2026, 5, 6, 1, tzinfo=UTC), JUNE])
def test_the_lines_of_a_month_lead_from_its_opening_to_its_closing_credit(closed: Any) -> None:
    if closed:
        daily.close_days(now=closed)

    may = statement(MAY)

    assert of(may) == EXPECTED
    assert may.unexplained == 0
    assert statement(APRIL).closing.net == may.opening.net


@pytest.mark.usefixtures("history")
def test_days_of_an_earlier_version_are_counted_until_the_job_has_filled_them() -> None:
    daily.close_days(now=JUNE)
    DailyTotals.objects.update(adjustments=None, adjustments_reversed=None)

    before = of(statement(MAY))
    with time_machine.travel(JUNE):
        tasks.close_days(0)

    assert before == of(statement(MAY)) == EXPECTED
    assert not DailyTotals.objects.filter(adjustments=None).exists()
    assert breaches() == []


@pytest.mark.usefixtures("history")
def test_stored_days_are_read_and_not_counted_again(django_assert_num_queries: Any) -> None:
    daily.close_days(now=JUNE)
    execute("UPDATE daily_totals SET purchases = purchases + 1 WHERE day = '2026-05-09'")

    with django_assert_num_queries(2):
        may = statement(MAY)

    assert (may.lines["purchases"], may.unexplained) == (32, -1)
    DailyTotals.objects.all().delete()


def test_what_we_owe_is_without_the_debts_of_others(alice: Person, bob: Person) -> None:
    purchase = settle(bob.user)
    give(bob, "-15.00")
    deliver(refund(purchase, 1000))
    today = daily.today(timezone.now())

    closing = statement(Span(today, today)).closing

    assert [closing.net, closing.debts.total, closing.outstanding] == [-15, 15, 0]
    assert closing.net == sum(entry.amount for entry in LedgerEntry.objects.all())


@pytest.mark.usefixtures("history")
def test_an_entry_that_is_committed_after_midnight_belongs_to_the_day_before() -> None:
    daily.close_days(now=datetime(2026, 6, 1, 0, 59, tzinfo=UTC))
    with at("05-31 23:59:59"):
        settle(register("carol").user)
    daily.close_days(now=JUNE)

    assert statement(MAY).lines["purchases"] == 41
    assert breaches() == []
