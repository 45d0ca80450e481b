"""The list of ledger entries, which is read-only."""

from typing import ClassVar

from django.contrib import admin
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest

from accounts.admin import entry_formatting, search
from accounts.models import LedgerEntry
from accounts.money import dollars
from gatewayz.adminbase.filters import ConditionFilter, DayFilter
from gatewayz.adminbase.formatting import link, when
from gatewayz.adminbase.model_admin import Columns, ReadOnlyAdmin
from payments.search import entries_found_by

Kind = LedgerEntry.Kind
_BONUSES = (Kind.REFERRER_BONUS, Kind.REFEREE_BONUS)
_CLAWBACKS = (Kind.REFUND, Kind.DISPUTE)


def _reversal_of(*kinds: Kind) -> Q:
    return Q(kind=Kind.REVERSAL, reverses__kind__in=kinds)


class KindFilter(ConditionFilter):
    """The kinds as the rows name them, and the sums of the dashboard."""

    title = parameter_name = "kind"
    conditions: ClassVar = {
        **{kind.value: (label, Q(kind=kind)) for kind, label in entry_formatting.KINDS.items()},
        "bonus": ("Bonus, both sides", Q(kind__in=_BONUSES)),
        "bonus_taken_back": ("Bonus taken back", _reversal_of(*_BONUSES)),
        "refund_or_dispute": ("Refund or dispute", Q(kind__in=_CLAWBACKS)),
        "refund_or_dispute_undone": ("Refund or dispute undone", _reversal_of(*_CLAWBACKS)),
        "adjustment_taken_back": ("Adjustment taken back", _reversal_of(Kind.ADJUSTMENT)),
    }


column = Columns(LedgerEntry)


@admin.register(LedgerEntry)
class LedgerEntryAdmin(search.KeyTruncatingAdmin, ReadOnlyAdmin):
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
    list_filter = (KindFilter, ("created_at", DayFilter))
    linked_by = ("user",)
    summed = (F("amount"), dollars)
    exported: ClassVar = {
        "id": "pk",
        "posted_at": "created_at",
        "person": "user__username",
        "kind": "kind",
        "reversed_kind": "reverses__kind",
        "amount": "amount",
        "balance_after": "balance_after",
        "description": "description",
        "reference": "reference",
        "cause": "idempotency_key",
        "posted_by": "posted_by__username",
    }
    has_history = False
    list_select_related = ("user", *entry_formatting.RELATED)
    search_help_text = (
        "Part of the person's name or e-mail, Stripe's id, or the entry's id or cause"
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[LedgerEntry]:
        return entry_formatting.with_other_side(super().get_queryset(request))

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Order a person's statement by number: that index has no entries of others."""
        return ("-number",) if request.GET.get("user") else ("-pk",)

    owner = column("Person", lambda entry: link(entry.user))
    what = column(
        "What", lambda entry: [entry_formatting.kind(entry), entry.description], header=True
    )
    sort = column("What", entry_formatting.kind)
    moved = column("Amount", lambda entry: entry_formatting.money(entry.amount))
    balance = column("Balance after", lambda entry: entry_formatting.money(entry.balance_after))
    origin = column("From", entry_formatting.cause)
    by = column("By", entry_formatting.poster)
    posted = column("Posted", lambda entry: when(entry.created_at))

    def heading(self, obj: LedgerEntry) -> str:
        return f"{entry_formatting.kind(obj)}, {dollars(obj.amount)}"

    def found_by(self, term: str) -> list[Q]:
        return entries_found_by(term)
