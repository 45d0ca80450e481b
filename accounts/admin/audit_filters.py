"""The filters of the audit log: by what was done and by whom, each with an index of its own."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.text import capfirst
from unfold.contrib.filters.admin import DropdownFilter

from accounts import audit
from accounts.models import AuditEntry, User
from accounts.operator_models import COMMAND_LINE
from accounts.row_ids import parse

MOST_OPERATORS = 200
_NOBODY = "none"


class ActionFilter(DropdownFilter):
    """What was ever done."""

    title = parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(action, capfirst(action)) for action in audit.actions()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet:
        return queryset.filter(action=self.value()) if self.value() else queryset


class OperatorFilter(DropdownFilter):
    """Those who may come to the desk today, and the command line."""

    title = "operator"
    parameter_name = "by"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        staff = User.objects.filter(is_staff=True).order_by("-pk")[:MOST_OPERATORS]
        named = sorted(staff.values_list("username", "pk"))
        return [(_NOBODY, COMMAND_LINE), *((str(pk), name) for name, pk in named)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet:
        if not self.value():
            return queryset
        return queryset.filter(by=None if self.value() == _NOBODY else parse(self.value()) or 0)
