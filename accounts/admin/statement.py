"""The whole statement of a person, paged by entry number instead of OFFSET."""

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from accounts.admin.sections import STATEMENT_HEADERS, entries_of, statement_row
from accounts.models import User
from gatewayz.adminbase.model_admin import ModelAdmin

LINES = 50
MOST = 2**31 - 1  # as large as an entry's number can be


def statement(page: ModelAdmin, request: HttpRequest, user: User) -> HttpResponse:
    """Show entries with smaller numbers than `before`, the latest first."""
    before = _number(request.GET.get("before", ""))
    entries = list(entries_of(user).filter(number__lt=before)[: LINES + 1])
    shown = entries[:LINES]
    context = {
        **page.admin_site.each_context(request),
        "title": f"Statement of {user}",
        "opts": page.opts,
        "table": {"headers": STATEMENT_HEADERS, "rows": [statement_row(one) for one in shown]},
        "older": shown[-1].number if len(entries) > LINES else None,
        "is_latest": before == MOST,
        "back": reverse("admin:accounts_user_change", args=[user.pk]),
    }
    return TemplateResponse(request, "admin/accounts/user/statement.html", context)


def _number(text: str) -> int:
    return min(int(text), MOST) if text.isascii() and text.isdigit() and len(text) < 20 else MOST
