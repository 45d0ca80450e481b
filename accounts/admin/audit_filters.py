"""The filters of the audit log: by what was done and by whom, each with an index of its own."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from accounts.ids import read
from accounts.models import AuditEntry, User
from accounts.operator_records import COMMAND_LINE

ACTIONS = (
    *("adjust credits", "approve adjustment", "reject adjustment", "reverse adjustment"),
    *("release bonus", "void bonus", "add terms", "withdraw terms"),
    *("deactivate", "reactivate", "edit user", "add user", "set password", "change own password"),
    *("revoke key", "rotate key", "turn on second factor", "turn off second factor"),
    *("unlock log-in", "replay event", "event replayed", "reconcile Stripe"),
    *("export leaderboard", "dismiss job"),
)
MOST_OPERATORS = 200
_NOBODY = "none"


class ActionFilter(DropdownFilter):
    title = parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(action, action[0].upper() + action[1:]) for action in ACTIONS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet:
        return queryset.filter(action=self.value()) if self.value() in ACTIONS else queryset


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
        return queryset.filter(by=None if self.value() == _NOBODY else read(self.value()) or 0)
