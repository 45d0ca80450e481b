"""Asks why something is exported, records it, and gives the file (CONTRACT 7)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from unfold.widgets import UnfoldAdminSelectWidget

from accounts import audit
from accounts.authentication import operator
from accounts.reason_field import ReasonForm
from gatewayz.adminbase.confirmation import Question, confirm
from gatewayz.adminbase.exports import FORMATS, Row, TooManyRowsError, file_of
from gatewayz.adminbase.model_admin import ModelAdmin


class ExportForm(ReasonForm):
    """Asks for the format and the reason."""

    format = forms.ChoiceField(choices=FORMATS, widget=UnfoldAdminSelectWidget())

    field_order = ("format", "reason")


@dataclass(frozen=True, kw_only=True)
class Export:
    """What is exported; `rows` reads them, once the operator has said why."""

    title: str
    columns: Sequence[str]
    rows: Callable[[], Iterable[Row]]
    count: int | str
    warnings: Sequence[str] = ()


def answer(
    page: ModelAdmin, request: HttpRequest, export: Export, *, of: type[Model], back: str
) -> HttpResponse:
    """Ask for format and reason; then record the export, and return the file."""
    if not request.user.has_perm("accounts.export"):
        raise PermissionDenied

    @transaction.atomic
    def act(**answers: Any) -> HttpResponseBase:
        now, form = timezone.now(), answers["format"]
        audit.record(
            by=operator(request),
            action=f"export {export.title}",
            target=of,
            reason=answers["reason"],
            after={"rows": export.count, "format": form, "filters": request.GET.urlencode()},
            now=now,
        )
        name = f"{export.title.replace(' ', '-')}-{now:%Y-%m-%d}"
        return file_of(name, form, export.columns, export.rows())

    question = Question(
        title=f"Export the {export.title}",
        facts=[("Rows", f"{export.count:,}" if isinstance(export.count, int) else export.count)],
        consequences=export.warnings,
        button="Export",
        variant="primary",
        is_answered_by_a_file=True,
    )
    refusals = (TooManyRowsError,)
    return confirm(page, request, question, ExportForm, act, back=back, refusals=refusals)
