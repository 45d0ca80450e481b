"""The page that closes the books of a month, or of any days, with what Stripe says of them."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_POST
from procrastinate.exceptions import AlreadyEnqueued

from accounts import file_export, report_database
from accounts.file_export import Export
from gatewayz.adminbase.exports import Row
from gatewayz.adminbase.model_admin import ReadOnlyAdmin
from payments import tasks
from payments.admin import stripe_side
from payments.models import DailyTotals, StripeComparison
from payments.reports import ledger_checks, stripe_comparison
from payments.reports.daily import DAY, Span, today
from payments.reports.month import Statement, statement

# The lines by name: what the page calls them, and the filter of the ledger that has their entries.
LINES = {
    "purchases": ("Purchases", "purchase"),
    "bonuses": ("Bonuses", "bonus"),
    "bonuses_taken": ("Bonuses taken back", "bonus_taken_back"),
    "refunds": ("Refunds", "refund"),
    "disputes": ("Disputes", "dispute"),
    "reinstated": ("Refunds & disputes undone", "refund_or_dispute_undone"),
    "adjustments": ("Adjustments", "adjustment"),
    "adjustments_reversed": ("Adjustments taken back", "adjustment_taken_back"),
}
_MONTHS_OFFERED = 4
_PAGE = "admin:payments_dailytotals_changelist"
_LEDGER = "admin:accounts_ledgerentry_changelist"


class DaysForm(forms.Form):
    """The days of the statement, both included."""

    first = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}))
    last = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}))

    def clean(self) -> dict[str, Any]:
        days = super().clean() or {}
        if days.get("first") and days.get("last") and days["first"] > days["last"]:
            raise forms.ValidationError("The first day is after the last.")
        return days


@admin.register(DailyTotals)
class MonthAdmin(ReadOnlyAdmin):
    """One page in the place of a list of days."""

    def get_urls(self) -> list[URLPattern]:
        view, name = self.admin_site.admin_view, "payments_dailytotals"
        return [
            path("", view(self.changelist_view), name=f"{name}_changelist"),
            path("compare/", view(require_POST(self.compare)), name=f"{name}_compare"),
            path("export/", view(self.export), name=f"{name}_export"),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        form, span = _days(request)
        found, check, comparison = report_database.read(
            lambda: (statement(span), ledger_checks.latest(), _comparison(span))
        )
        may_export = request.user.has_perm("accounts.export")
        context = {
            **self.context(request),
            "title": "Month",
            "form": form,
            "months": _months(span),
            "statement": found,
            "days": _title(span),
            "is_over": span.last < today(timezone.now()),
            "lines": _lines(found),
            "check": check,
            "stripe": stripe_side.of(comparison),
            "query": _query(span),
            "may_export": may_export,
        }
        return TemplateResponse(request, "admin/payments/month.html", context)

    def compare(self, request: HttpRequest) -> HttpResponse:
        """Let the worker ask Stripe, which may take minutes, or not answer."""
        if not request.user.has_perm("accounts.export"):
            raise PermissionDenied
        _, span = _days(request)
        try:
            with transaction.atomic():
                row = stripe_comparison.request(span, now=timezone.now())
                job = tasks.compare_with_stripe.configure(queueing_lock=f"compare {row}")
                job.defer(comparison_id=row.pk)
        except AlreadyEnqueued:
            messages.info(request, "Stripe is being asked already.")
        return HttpResponseRedirect(f"{reverse(_PAGE)}?{_query(span)}#stripe")

    def export(self, request: HttpRequest) -> HttpResponse:
        _, span = _days(request)
        found, comparison = report_database.read(lambda: (statement(span), _comparison(span)))
        rows = [*_rows(found), *stripe_side.rows(stripe_side.of(comparison))]
        export = Export(
            title="month",
            columns=("part", "line", "count", "amount", "fee", "net", "note"),
            rows=lambda: rows,
            count=len(rows),
        )
        back = f"{reverse(_PAGE)}?{_query(span)}"
        return file_export.answer(self, request, export, of=DailyTotals, back=back)


def _days(request: HttpRequest) -> tuple[DaysForm, Span]:
    """Return the days that are asked for; without any, those of the latest month that is over."""
    last = today(timezone.now()).replace(day=1) - DAY
    default = Span(last.replace(day=1), last)
    asked = {name: request.GET[name] for name in ("first", "last") if name in request.GET}
    form = DaysForm(asked or vars(default))
    return form, Span(**form.cleaned_data) if form.is_valid() else default


def _months(shown: Span) -> list[tuple[str, str, bool]]:
    """Return the latest months, the newest last: their names, queries, and which one is shown."""
    months, day = [], today(timezone.now())
    for _ in range(_MONTHS_OFFERED):
        first = day.replace(day=1)
        span = Span(first, (first + timedelta(days=31)).replace(day=1) - DAY)
        months.append((f"{first:%b %Y}", _query(span), span == shown))
        day = first - DAY
    return months[::-1]


def _query(span: Span) -> str:
    return urlencode(vars(span))


def _title(span: Span) -> str:
    return f"{_day(span.first)} to {_day(span.last)}"


def _day(day: date) -> str:
    return f"{day:%-d %B %Y}"


def _comparison(span: Span) -> StripeComparison | None:
    return StripeComparison.objects.filter(first=span.first, last=span.last).first()


def _lines(found: Statement) -> list[dict[str, Any]]:
    """Return each line, with the address of the list of its entries."""
    first, last = found.span.first, found.span.last
    return [
        {
            "title": LINES[name][0],
            "amount": amount,
            "entries": reverse(_LEDGER),
            "filters": urlencode(
                {
                    "kind": LINES[name][1],
                    "created_at_from": first.isoformat(),
                    "created_at_to": last.isoformat(),
                }
            ),
        }
        for name, amount in found.lines.items()
    ]


def _rows(found: Statement) -> Iterator[Row]:
    """Yield the rows of the file about our own books."""
    opening, closing = found.opening, found.closing
    yield ("books", f"Opening credit, {found.span.first}", "", opening.net, "", "", "")
    for name, amount in found.lines.items():
        yield ("books", LINES[name][0], "", amount, "", "", "")
    yield ("books", f"Closing credit, {found.span.last}", "", closing.net, "", "", "")
    if found.unexplained:
        yield ("books", "FAULT: not explained by the lines", "", found.unexplained, "", "", "")
    yield ("liability", "Balances above zero", "", closing.outstanding, "", "", "")
    people = closing.debts.people
    yield ("liability", "Balances below zero", people, -closing.debts.total, "", "", "")
