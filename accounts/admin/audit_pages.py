"""The desk's page of the audit log: who did what to what, and why."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html_join

from accounts.admin import audit_formatting
from accounts.admin.audit_filters import ActionFilter, OperatorFilter
from accounts.admin.audit_formatting import change
from accounts.models import AuditEntry
from accounts.people import owned_by
from gatewayz.adminbase.day_filter import DayFilter
from gatewayz.adminbase.formatting import NOTHING, link, link_to, when
from gatewayz.adminbase.model_admin import ReadOnlyAdmin, display

# What a label does not say by itself.
_KINDS = {
    "accounts.adjustment": "adjustment",
    "accounts.apikey": "API key",
    "referrals.program": "terms",
}


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """The log is looked at; the database lets nobody change it."""

    list_display = ("when", "what", "target", "who", "reason", "change")
    list_filter = (ActionFilter, OperatorFilter, ("at", DayFilter))
    list_select_related = ("by",)
    has_history = False
    list_display_links = ("when",)
    linked_by: ClassVar[Any] = ("target_type", "target_id")  # the history of one thing
    search_help_text = (
        "Beginning of the operator's name or e-mail, or an action like: adjust credits"
    )
    fields = readonly_fields = ("when", "what", "target", "who", "reason", "was", "became")

    @display(description="When")
    def when(self, entry: AuditEntry) -> str:
        return when(entry.at)

    @display(description="Who")
    def who(self, entry: AuditEntry) -> str:
        return link(entry.by) if entry.by else entry.who

    @display(description="What")
    def what(self, entry: AuditEntry) -> str:
        return _sentence(entry.action)

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

    @display(description="Change")
    def change(self, entry: AuditEntry) -> str:
        return change(entry.before, entry.after)

    @display(description="Before")
    def was(self, entry: AuditEntry) -> str:
        return _told(entry.before)

    @display(description="After")
    def became(self, entry: AuditEntry) -> str:
        return _told(entry.after)

    def found_by(self, term: str) -> list[Q]:
        return [Q(action=term.lower()), *owned_by(term, "by")]


def _sentence(action: str) -> str:
    return action[:1].upper() + action[1:]


def _told(kept: dict[str, Any]) -> str:
    lines = (
        (audit_formatting.name_of(name), audit_formatting.told(name, kept[name]) or NOTHING)
        for name in kept
    )
    return format_html_join("", "<div>{}: {}</div>", lines) or NOTHING
