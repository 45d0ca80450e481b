"""The page of the audit log: who did what to what, and why."""

from collections.abc import Iterator
from functools import reduce
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Lower
from django.db.models.lookups import Contains
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.text import capfirst
from unfold.contrib.filters.admin import DropdownFilter

from accounts import audit, row_ids
from accounts.admin.audit_formatting import change
from accounts.models import Adjustment, ApiKey, AuditEntry, User
from accounts.operator_models import COMMAND_LINE
from accounts.people import has_trigram, listed, named
from gatewayz.adminbase.filters import DayFilter
from gatewayz.adminbase.formatting import link, link_to, when
from gatewayz.adminbase.model_admin import Columns, ReadOnlyAdmin, display
from payments.models import StripeEvent
from referrals.models import Referral


def about(people: list[int]) -> Iterator[Q]:
    """Match the entries about the people of these ids, or anything of theirs.

    An index serves each way.
    """
    owners = listed(people)
    for theirs in (
        User.objects.filter(pk__in=owners),
        ApiKey.objects.filter(user__in=owners),
        Adjustment.objects.filter(user__in=owners),
        Referral.objects.filter(referrer__in=owners),
        Referral.objects.filter(referred_user__in=owners),
        StripeEvent.objects.filter(payment__user__in=owners),
    ):
        yield Q(target_type=theirs.model._meta.label_lower, target_id__in=theirs.values("pk"))


def history_of(user: User) -> QuerySet[AuditEntry]:
    """Return all that operators did to the person, the newest first."""
    entries = AuditEntry.objects.order_by()
    found = reduce(QuerySet.union, (entries.filter(way).values("pk") for way in about([user.pk])))
    return AuditEntry.objects.filter(pk__in=found).order_by("-pk")


# The kinds of rows whose label does not name the kind.
_KINDS = {
    "accounts.adjustment": "adjustment",
    "accounts.apikey": "API key",
    "referrals.program": "terms",
}


MOST_OPERATORS = 200
_NOBODY = "none"


class ActionFilter(DropdownFilter):
    """The actions that the log contains."""

    title = parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(action, capfirst(action)) for action in audit.actions()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet:
        return queryset.filter(action=self.value()) if self.value() else queryset


class OperatorFilter(DropdownFilter):
    """Those who are staff today, and the command line."""

    title = "operator"
    parameter_name = "by"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        staff = User.objects.filter(is_staff=True).order_by("-pk")[:MOST_OPERATORS]
        named = sorted(staff.values_list("username", "pk"))
        return [(_NOBODY, COMMAND_LINE), *((str(pk), name) for name, pk in named)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet:
        if not self.value():
            return queryset
        return queryset.filter(
            by=None if self.value() == _NOBODY else row_ids.parse(self.value()) or 0
        )


column = Columns(AuditEntry)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """The log is read-only, in the database too."""

    list_display = ("when", "what", "target", "who", "reason", "change")
    list_filter = (ActionFilter, OperatorFilter, ("at", DayFilter))
    exported: ClassVar = {
        "id": "pk",
        "at": "at",
        "by": "by__username",
        "shell_user": "shell_user",
        "action": "action",
        "target_type": "target_type",
        "target_id": "target_id",
        "target": "target_label",
        "reason": "reason",
    }
    list_select_related = ("by",)
    has_history = False
    list_display_links = ("when",)
    linked_by: ClassVar[Any] = ("target_type", "target_id")  # the history of one thing
    search_help_text = (
        "Part of the reason, or of the name or e-mail of the operator or of the person concerned; "
        "the person's id, like #12; or an action, like: issue key"
    )
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
        if term.startswith("#"):
            return list(about([row_ids.typed(term) or 0]))
        ways = [Q(action=term.lower())]
        for people in named(term):
            ways += [Q(by__in=listed(people)), *about(people)]
        if has_trigram(term):
            ways.append(Q(Contains(Lower("reason"), Lower(Value(term)))))
        return ways
