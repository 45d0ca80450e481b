"""A person's ledger entries: a page of them, and all of them as CSV."""

from collections.abc import Iterator
from typing import Any

from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from accounts import ledger, row_ids, throttling
from accounts.models import LedgerEntry, User
from gatewayz.adminbase import exports
from gatewayz.site.people import PersonRequest, own_page

_ON_A_PAGE = 50
_IN_A_BATCH = 1000
_COLUMNS = ("number", "created_at", "kind", "description", "amount", "balance_after")


def entries(user: User, count: int, *, before: int | None = None) -> list[LedgerEntry]:
    """Return the newest entries, or the newest of those with a number below `before`."""
    rows = LedgerEntry.objects.filter(user=user).order_by("-number")
    if before is not None:
        rows = rows.filter(number__lt=before)
    found = list(rows[:count])
    for entry in found:
        entry.description = ledger.describe(entry)
    return found


@own_page
def statement(request: PersonRequest) -> HttpResponse:
    """Show a page of entries, the newest first."""
    before = cursor(request)
    found = entries(request.user, _ON_A_PAGE + 1, before=before)
    shown = found[:_ON_A_PAGE]
    older = shown[-1].number if len(found) > len(shown) else None
    context = {"entries": shown, "before": before, "older": older}
    return render(request, "site/statement.html", context)


def cursor(request: PersonRequest) -> int | None:
    """Return `before` of the address, where the page before ended. Raises Http404."""
    text = request.GET.get("before")
    if text is None:
        return None
    if not row_ids.is_id(text):
        raise Http404
    return int(text)


@own_page
def as_csv(request: PersonRequest) -> HttpResponseBase:
    """Send all entries, the newest first, while they are read."""
    throttling.limit_person(request.user.pk)
    name = f"statement-{timezone.now():%Y-%m-%d}"
    return exports.file_of(name, "csv", _COLUMNS, _rows(request.user))


def _rows(user: User) -> Iterator[tuple[Any, ...]]:
    before = None
    while batch := entries(user, _IN_A_BATCH, before=before):
        for entry in batch:
            yield tuple(getattr(entry, column) for column in _COLUMNS)
        before = batch[-1].number
