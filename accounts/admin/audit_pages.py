"""The page of the audit log: who did what to what, and why."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q
from django.urls import NoReverseMatch, reverse
from django.utils.text import capfirst

from accounts.admin.audit_filters import ActionFilter, OperatorFilter
from accounts.admin.audit_formatting import change
from accounts.models import AuditEntry
from accounts.people import owned_by
from gatewayz.adminbase.filters import DayFilter
from gatewayz.adminbase.formatting import link, link_to, when
from gatewayz.adminbase.model_admin import Columns, ReadOnlyAdmin, display

# The kinds of rows whose label does not name the kind.
_KINDS = {
    "accounts.adjustment": "adjustment",
    "accounts.apikey": "API key",
    "referrals.program": "terms",
}


column = Columns(AuditEntry)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """The log is read-only, in the database too."""

    list_display = ("when", "what", "target", "who", "reason", "change")
    list_filter = (ActionFilter, OperatorFilter, ("at", DayFilter))
    list_select_related = ("by",)
    has_history = False
    list_display_links = ("when",)
    linked_by: ClassVar[Any] = ("target_type", "target_id")  # the history of one thing
    search_help_text = "Part of the operator's name or e-mail, or an action like: adjust credits"
    fields = readonly_fields = list_display

    when = column("When", lambda entry: when(entry.at))
    who = column("Who", lambda entry: link(entry.by) if entry.by else entry.who)
    what = column("What", lambda entry: capfirst(entry.action))

    @display(description="To what")
    def target(self, entry: AuditEntry) -> str:
        page = f"{entry.target_type.replace('.', '_')}_change"
        label = f"{_KINDS.get(entry.target_type, '')} {entry.target_label}".strip()
        if entry.target_id is None:
            return label
        try:
            reverse(f"admin:{page}", args=[entry.target_id])
        except NoReverseMatch:
            return label
        return link_to(page, entry.target_id, label)

    change = column("Change", lambda entry: change(entry.before, entry.after))

    def found_by(self, term: str) -> list[Q]:
        return [Q(action=term.lower()), *owned_by(term, "by")]
