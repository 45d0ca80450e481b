"""A month's statement adds up to the ledger; its page shows faults, files and what Stripe says."""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.models import AuditEntry, LedgerEntry
from accounts.tests.factories import Person, colleague, give, operator, register
from accounts.tests.test_adjustments import ask, reverse
from payments import tasks
from payments.models import DailyTotals, StripeComparison
from payments.reports import daily, ledger_checks
from payments.reports.daily import Span
from payments.reports.invariants import breaches
from payments.reports.month import Statement, statement
from payments.tests.at_once import execute
from payments.tests.fake_stripe import stripe_is_down
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

    assert may.lines["purchases"] == 32
    assert may.unexplained == -1
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


PAGE = "/admin/payments/dailytotals/"
MAY_DAYS = {"first": "2026-05-01", "last": "2026-05-31"}
QUERY = "?first=2026-05-01&last=2026-05-31"
REASON = "The accountant asked"


@pytest.fixture
def finance(history: None) -> Client:
    return colleague("Finance")


def text(client: Client, **days: str) -> str:
    return " ".join(client.get(PAGE, days).content.decode().split())


def test_it_shows_the_lines_between_opening_and_closing_credit_and_leads_to_their_entries(
    finance: Client, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(12):
        context = finance.get(PAGE, MAY_DAYS).context

    lines = context["lines"]
    shown = text(finance, **MAY_DAYS)
    assert [line["amount"] for line in lines] == [31, 40, -20, -5, -25, 25, -46, -1]
    for part in ("<td>$77.00</td>", 'desk-debt">-$5.00</td>', "<td>$76.00</td>"):
        assert part in shown
    assert "The lines add up to the closing credit." in shown
    for line in lines:
        listed = finance.get(f"{line['entries']}?{line['filters']}").context["cl"].queryset
        total = sum(entry.amount for entry in listed)
        assert total == line["amount"], line["title"]


@pytest.mark.parametrize(
    ("now", "shown"),
    [("2026-06-01", "1 May 2026 to 31 May 2026"), ("2026-05-31", "1 April 2026 to 30 April 2026")],
)
def test_without_days_it_shows_the_latest_month_that_is_over(
    db: None, now: str, shown: str
) -> None:
    with time_machine.travel(f"{now} 12:00Z", tick=False):
        assert shown in text(operator())


def test_any_days_may_be_asked_for_and_those_that_cannot_be_are_no_error(db: None) -> None:
    client = operator()
    for days in (
        {"first": "2026-05-02", "last": "2026-05-01"},
        {"first": "tomorrow", "last": "2026-05-01"},
        {"first": "2026-05-01"},
        {"first": "\0", "last": "99999-01-01"},
    ):
        assert "These are no days to show" in text(client, **days), days
    assert "not over yet" in text(client, first="0001-01-01", last="9999-12-30")


def test_a_fault_is_shown(finance: Client) -> None:
    daily.close_days(now=datetime(2026, 6, 1, 1, tzinfo=UTC))
    execute("UPDATE daily_totals SET net = net + 5 WHERE day = '2026-05-09'")
    ledger_checks.run(now=timezone.now())

    shown = text(finance, **MAY_DAYS)

    assert "The lines do not lead to the closing credit: $5.00 is not explained" in shown
    assert "found 1 breach." in shown
    execute("DELETE FROM daily_totals")


def compare(client: Client) -> str:
    client.post(f"{PAGE}compare/{QUERY}")
    return text(client, **MAY_DAYS)


def test_stripe_is_asked_by_the_worker_and_no_page_waits_for_it(
    finance: Client, settings: Any
) -> None:
    with stripe_is_down(settings):
        shown = compare(finance)
        again = compare(finance)

    assert "the worker has no answer yet" in shown
    assert "Stripe is being asked already." in again
    job = ProcrastinateJob.objects.get(task_name="compare_with_stripe")
    assert job.args == {"comparison_id": StripeComparison.objects.get().pk}


def export(client: Client, form: str) -> Any:
    return client.post(f"{PAGE}export/{QUERY}", {"answered": "", "format": form, "reason": REASON})


def test_the_page_and_its_files_have_what_differs_from_stripe(
    finance: Client, sandbox: str
) -> None:
    compare(finance)
    tasks.compare_with_stripe(StripeComparison.objects.get().pk)

    shown = text(finance, **MAY_DAYS)
    lines = export(finance, "csv").getvalue().decode()
    rows = [*csv.reader(io.StringIO(lines))]
    sheet = openpyxl.load_workbook(io.BytesIO(export(finance, "xlsx").content)).active

    assert "Differences: 3" in shown
    assert "Stripe has nothing" in shown
    assert rows[1][:4] == ["books", "Opening credit, 2026-05-01", "", "77.00"]
    assert ["ours", "Purchases", "2", "31"] in [row[:4] for row in rows]
    assert len([row for row in rows if row[0] == "difference"]) == 3
    assert sheet.max_row == len(rows)
    assert sheet["D2"].value == 77
    entry = AuditEntry.objects.filter(action="export month").latest("pk")
    assert (entry.reason, entry.after["format"]) == (REASON, "xlsx")


@pytest.mark.parametrize(("group", "status"), [("Support", 403), ("Finance", 200)])
def test_both_groups_look_and_finance_compares_and_exports(
    db: None, group: str, status: int
) -> None:
    client = colleague(group)

    shown = text(client)
    asked = client.post(f"{PAGE}compare/", follow=True).status_code

    assert ("Compare with Stripe" in shown) is ("Export…" in shown) is (status == 200)
    assert (asked, export(client, "csv").status_code) == (status, status)
