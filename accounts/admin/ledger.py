"""The list of ledger entries: only for looking at."""

from django.contrib import admin
from django.db.models import Q

from accounts.admin import finding, wording
from accounts.models import LedgerEntry
from accounts.money import dollars
from gatewayz.adminbase.formatting import link, when
from gatewayz.adminbase.model_admin import ReadOnlyAdmin, display


@admin.register(LedgerEntry)
class LedgerEntryAdmin(finding.KeysCutShort, ReadOnlyAdmin):
    list_display = (
        "id",
        "owner",
        "what",
        "moved",
        "balance",
        "origin",
        "by",
        "posted",
    )
    fields = readonly_fields = (
        *("owner", "sort", "moved", "balance", "origin", "by", "posted"),
        *("description", "number", "reverses", "idempotency_key"),
    )
    list_filter = ("kind",)
    has_history = False
    list_select_related = ("user", *wording.TOLD_WITH)
    search_help_text = (
        "Beginning of the person's name or e-mail, Stripe's id, or the entry's id or cause"
    )

    @display(description="Person")
    def owner(self, entry: LedgerEntry) -> str:
        return link(entry.user)

    @display(description="What", header=True)
    def what(self, entry: LedgerEntry) -> list[str]:
        return [wording.kind(entry), entry.description]

    @display(description="What")
    def sort(self, entry: LedgerEntry) -> str:
        return wording.kind(entry)

    @display(description="Amount")
    def moved(self, entry: LedgerEntry) -> str:
        return wording.money(entry.amount)

    @display(description="Balance after")
    def balance(self, entry: LedgerEntry) -> str:
        return wording.money(entry.balance_after)

    @display(description="From")
    def origin(self, entry: LedgerEntry) -> str:
        return wording.cause(entry)

    @display(description="By")
    def by(self, entry: LedgerEntry) -> str:
        return wording.poster(entry)

    @display(description="Posted")
    def posted(self, entry: LedgerEntry) -> str:
        return when(entry.created_at)

    def heading(self, obj: LedgerEntry) -> str:
        return f"{wording.kind(obj)}, {dollars(obj.amount)}"

    def found_by(self, term: str) -> list[Q]:
        return finding.entries(term)
