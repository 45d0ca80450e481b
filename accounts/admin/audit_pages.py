"""The desk's page of the audit log: who did what to what, and why."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join

from accounts.models import AuditEntry
from accounts.people import whose
from gatewayz.cells import NOTHING, change, link_to, when
from gatewayz.model_admin import ReadOnlyAdmin, display


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """The log is looked at; the database lets nobody change it."""

    list_display = ("when", "who", "action", "target", "reason", "change")
    list_select_related = ("by",)
    list_display_links = ("when",)
    linked_by: ClassVar[Any] = ("target_type", "target_id")  # the history of one thing
    search_help_text = (
        "Beginning of the operator's name or e-mail, or an action like: adjust credits"
    )
    fields = readonly_fields = ("when", "who", "action", "target", "reason", "was", "became")

    @display(description="When")
    def when(self, entry: AuditEntry) -> str:
        return when(entry.at)

    @display(description="Who")
    def who(self, entry: AuditEntry) -> str:
        return entry.who

    @display(description="To what")
    def target(self, entry: AuditEntry) -> str:
        kind = entry.target_type.rpartition(".")[2]
        page = f"{entry.target_type.replace('.', '_')}_change"
        if entry.target_id is None:
            return entry.target_label
        try:
            reverse(f"admin:{page}", args=[entry.target_id])
        except NoReverseMatch:
            return entry.target_label
        return link_to(page, entry.target_id, f"{kind} {entry.target_label}")

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
        return [Q(action=term.lower()), *whose(term, "by")]


def _told(facts: dict[str, Any]) -> str:
    lines = format_html_join("", "<div>{}: {}</div>", facts.items())
    return format_html("{}", lines) if lines else NOTHING
