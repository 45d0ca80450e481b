"""Exports what a list shows with its filters, of all its pages, as CSV or XLSX."""

from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.text import slugify

from accounts import file_export, report_database
from accounts.file_export import Export
from gatewayz.adminbase.changelist import MOST_COUNTED
from gatewayz.adminbase.model_admin import ModelAdmin

_WARNINGS = (
    "The file has what people did, by their names: keep it as you keep those.",
    "It holds what the list shows with its filters, on all of its pages.",
)


def export(page: ModelAdmin, request: HttpRequest) -> HttpResponse:
    """Ask for a reason; then return the filtered rows as a file, and record who exported them."""
    if not page.has_view_permission(request) or not request.user.has_perm("accounts.export"):
        raise PermissionDenied
    try:
        listed: Any = page.get_changelist_instance(request)
    except IncorrectLookupParameters as error:
        raise BadRequest from error
    # The file is read after this function has ended.
    listed.queryset = listed.queryset.using(report_database.choose())
    count, _ = listed.count_filtered()
    found = Export(
        title=slugify(listed.title).replace("-", " "),
        columns=list(page.exported),
        rows=listed.exported_rows,
        count=count if count < MOST_COUNTED else f"{MOST_COUNTED:,} or more",
        warnings=_WARNINGS,
    )
    address = reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist")
    back = f"{address}?{request.GET.urlencode()}"
    return file_export.answer(page, request, found, of=page.model, back=back)
