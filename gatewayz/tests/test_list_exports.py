"""What a list's filters leave: how many rows, their sum, and a file of all of them."""

import csv
import io
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, User
from accounts.tests.factories import Person, colleague, give
from gatewayz.adminbase import changelist
from gatewayz.tests.list_actions import text
from payments.tests.stripe_events import deliver, refund, settle

LEDGER, PAYMENTS = "/admin/accounts/ledgerentry/", "/admin/payments/payment/"
REFUNDS = "/admin/payments/clawback/"
# Each list with its filter by days.
BY_DAYS = {
    LEDGER: "created_at",
    "/admin/accounts/adjustment/": "requested_at",
    PAYMENTS: "paid_at",
    REFUNDS: "created_at",
    "/admin/payments/stripeevent/": "received_at",
    "/admin/referrals/referral/": "completed_at",
    "/admin/accounts/user/": "created_at",
    "/admin/accounts/auditentry/": "at",
    "/admin/accounts/apikey/": "created_at",
}


@pytest.fixture
def finance(db: None) -> Client:
    return colleague("Finance")


def days(path: str, first: Any, last: Any = "") -> dict[str, str]:
    column = BY_DAYS[path]
    return {f"{column}_from": str(first), f"{column}_to": str(last)}


def export(client: Client, path: str, form: str = "csv", query: str = "") -> list[dict[str, Any]]:
    answers = {"format": form, "reason": "The accountant asked"}
    file: Any = client.post(f"{path}export/{query}", answers)
    if form == "csv":
        return list(csv.DictReader(io.StringIO(file.getvalue().decode())))
    columns, *rows = openpyxl.load_workbook(io.BytesIO(file.content)).active.values
    return [dict(zip(columns, row, strict=True)) for row in rows]


@pytest.mark.usefixtures("one_of_everything")
def test_a_list_of_some_days_says_how_much_it_is(finance: Client) -> None:
    today = timezone.now().date()
    yesterday = today - timedelta(days=1)
    for path in BY_DAYS:
        rows = finance.get(path, days(path, today)).context["cl"]
        before = finance.get(path, days(path, "2020-01-01", yesterday)).context["cl"]

        assert len(rows.result_list) > 0, path
        assert rows.totals.startswith(f"{len(rows.result_list)} row"), path
        assert before.totals.startswith("0 rows"), path


@pytest.mark.usefixtures("one_of_everything")
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_each_list_is_exported_with_who_and_why_in_the_audit_log(
    finance: Client, form: str
) -> None:
    for path in BY_DAYS:
        listed = finance.get(path).context["cl"].result_list

        exported = export(finance, path, form)

        # The log shows this export as well.
        is_log = path == "/admin/accounts/auditentry/"
        assert len(exported) == len(listed) + is_log, path
        entry = AuditEntry.objects.latest("pk")
        assert (str(entry.by), entry.reason) == ("fiona", "The accountant asked")
        assert (entry.after["rows"], entry.after["format"]) == (len(listed), form)


def test_amounts_are_numbers_in_dollars(finance: Client, bob: Person) -> None:
    deliver(refund(settle(bob.user, 1050), 125))

    [payment], [back] = export(finance, PAYMENTS, "xlsx"), export(finance, REFUNDS)

    assert [payment["amount"], payment["taken_back"], back["amount"]] == [10.5, 1.25, "1.25"]
    assert "1 row, $10.50 in all" in text(finance.get(f"{PAYMENTS}?q=bob"))


def test_a_sum_is_of_what_is_filtered_bounded_and_says_so(
    finance: Client, alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(alice, "7.00")
    for amount in ("5.00", "-2.00", "4.00"):
        give(bob, amount)
    address = f"{LEDGER}?user={bob.user.pk}"

    shown = text(finance.get(address))
    monkeypatch.setattr(changelist, "MOST_COUNTED", 2)

    assert "3 rows, $7.00 in all" in shown
    assert "in all" not in text(finance.get(LEDGER))
    bounded = "The first 2 rows, $2.00 in all. What follows is not counted."
    assert bounded in text(finance.get(address))


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 4])
def test_a_file_has_each_row_once_however_it_is_read(
    finance: Client, bob: Person, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(changelist, "_CHUNK", 2)
    for _ in range(rows):
        give(bob, "5.00")

    exported = export(finance, LEDGER, query=f"?user={bob.user.pk}")

    balances = [row["balance_after"] for row in exported]
    assert balances == [f"{5 * number}.00" for number in range(rows, 0, -1)]


def test_no_name_becomes_a_formula(finance: Client, bob: Person) -> None:
    give(bob, "5.00")
    User.objects.filter(pk=bob.user.pk).update(username="=1+1\x01")

    assert export(finance, LEDGER)[0]["person"] == "'=1+1\x01"
    assert export(finance, LEDGER, "xlsx")[0]["person"] == "'=1+1 "
