"""Exports the leaderboard as CSV or XLSX, after asking for a reason."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import BadRequest, PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from import_export.fields import Field
from import_export.formats import base_formats
from import_export.resources import ModelResource
from unfold.widgets import UnfoldAdminSelectWidget

from accounts import audit
from accounts.authentication import operator
from accounts.reason_field import ReasonForm
from gatewayz.adminbase.confirmation import Question, confirm, refuse
from gatewayz.adminbase.model_admin import ModelAdmin
from gatewayz.cli.output import safe_for_spreadsheets
from referrals.models import LeaderboardEntry

# The most rows that fit into memory and a spreadsheet; `manage.py leaderboard` writes more.
MOST_ROWS = 100_000
FORMATS: dict[str, Callable[[], base_formats.TablibFormat]] = {
    "csv": base_formats.CSV,
    "xlsx": base_formats.XLSX,
}


class ExportForm(ReasonForm):
    """Asks for the format and the reason."""

    format = forms.ChoiceField(
        choices=[("csv", "CSV, for programs"), ("xlsx", "XLSX, for Excel and the like")],
        widget=UnfoldAdminSelectWidget(),
    )

    field_order = ("format", "reason")


class LeaderboardResource(ModelResource):
    """The columns of an export; amounts are numbers, and no text becomes a formula."""

    username = Field("user__username", "username")
    email = Field("user__email", "email")
    referral_code = Field("user__referral_code", "referral_code")
    conversion = Field("conversion", "conversion")

    class Meta:
        model = LeaderboardEntry
        chunk_size = 1000
        fields = export_order = (
            "period",
            "rank_by_referrals",
            "rank_by_earnings",
            "rank_by_revenue",
            "username",
            "email",
            "referral_code",
            "referrals",
            "earned",
            "revenue",
            "signups",
            "qualified",
            "conversion",
            "uses_left",
            "computed_at",
        )

    def export_field(self, field: Field, instance: LeaderboardEntry, **kwargs: Any) -> Any:
        # Numbers stay numbers, so that a spreadsheet can add them up.
        value = field.get_value(instance)
        if field.column_name == "computed_at":
            return value.isoformat(timespec="seconds")
        return safe_for_spreadsheets(value)


def export(page: ModelAdmin, request: HttpRequest) -> HttpResponse:
    """Ask for a reason; then return the filtered rows as a file, and record who exported them."""
    if not request.user.has_perm("accounts.export"):
        raise PermissionDenied
    rows = _filtered(page, request)
    back = f"{reverse('admin:referrals_leaderboardentry_changelist')}?{request.GET.urlencode()}"

    def act(**answers: str) -> HttpResponse:
        if len(rows) > MOST_ROWS:
            why_not = f"more than {MOST_ROWS:,} rows; set filters that leave fewer"
            return refuse(request, why_not, back=back)
        return _file(request, rows, name=answers["format"], reason=answers["reason"])

    return confirm(page, request, _question(len(rows)), ExportForm, act, back=back)


def _filtered(page: ModelAdmin, request: HttpRequest) -> list[LeaderboardEntry]:
    """Return the rows of the list with these filters, of all its pages."""
    try:
        rows: QuerySet[LeaderboardEntry] = page.get_changelist_instance(request).get_queryset(
            request
        )
    except IncorrectLookupParameters as error:
        raise BadRequest from error
    return list(rows.select_related("user")[: MOST_ROWS + 1])


def _question(count: int) -> Question:
    return Question(
        title="Export the leaderboard",
        facts=[("Rows", f"{count:,}" if count <= MOST_ROWS else f"more than {MOST_ROWS:,}")],
        consequences=[
            "The file has people's names and e-mail addresses: keep it as you keep those.",
            "It holds what the list shows with its filters, on all of its pages.",
        ],
        button="Export",
        variant="primary",
        is_answered_by_a_file=True,
    )


@transaction.atomic
def _file(
    request: HttpRequest, rows: list[LeaderboardEntry], *, name: str, reason: str
) -> HttpResponse:
    writer, now = FORMATS[name](), timezone.now()
    audit.record(
        by=operator(request),
        action="export leaderboard",
        target=LeaderboardEntry,
        reason=reason,
        after={"rows": len(rows), "format": name, "filters": request.GET.urlencode()},
        now=now,
    )
    return HttpResponse(
        writer.export_data(LeaderboardResource().export(rows)),
        content_type=writer.get_content_type(),
        headers={
            "Content-Disposition": f'attachment; filename="leaderboard-{now:%Y-%m-%d}.{name}"'
        },
    )
