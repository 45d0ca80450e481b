"""The page of the program terms: their history, the budget, and the terms to come."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Case, CharField, Q, QuerySet, Value, When
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from accounts.audit import ReasonMissingError
from accounts.authentication import operator
from accounts.money import dollars
from accounts.reason_field import ReasonForm
from gatewayz.adminbase.confirmation import Question, confirm, refuse
from gatewayz.adminbase.filters import ConditionFilter
from gatewayz.adminbase.formatting import moment, page_of
from gatewayz.adminbase.model_admin import Columns, ReadOnlyAdmin, action, display, row_action
from gatewayz.adminbase.status_badges import COLOURS
from referrals import budget
from referrals.admin import next_terms, terms_page
from referrals.errors import ReferralError
from referrals.models import Program
from referrals.terms import TermsStartedError, approve_terms, reject_terms, withdraw_terms

_IN_FORCE = Q(pk__in=Program.objects.at(Now()).values("pk"))
_APPROVED = Q(status=Program.Status.APPROVED)


class StateFilter(ConditionFilter):
    title = parameter_name = "state"
    conditions: ClassVar = {
        "in_force": ("In force", _IN_FORCE),
        "to_come": ("To come", _APPROVED & Q(starts_at__gt=Now())),
        "past": ("Past", _APPROVED & Q(starts_at__lte=Now()) & ~_IN_FORCE),
        "waiting": ("Waiting for a second person", Q(status=Program.Status.WAITING)),
        "rejected": ("Rejected", Q(status=Program.Status.REJECTED)),
    }


def _decision(verb: str, icon: str, decide: Callable[..., Program]) -> Callable[..., HttpResponse]:
    """Return the action that asks for the reason, and then approves or rejects."""

    @row_action(f"{verb}…", icon, "accounts.approve_adjustment")
    def ask(page: "ProgramAdmin", request: HttpRequest, terms: Program) -> HttpResponse:
        def act(reason: str) -> str:
            decided = decide(terms.pk, by=operator(request), note=reason, now=timezone.now())
            if decided.status == Program.Status.REJECTED:
                return "Rejected; the terms before them go on."
            return f"Approved; they start on {moment(decided.starts_at)} UTC."

        has_passed = verb == "Approve" and terms.starts_at <= timezone.now()
        question = Question(
            title=f"{verb} the terms from {moment(terms.starts_at)} UTC",
            consequences=["Their start has passed: they start now."] if has_passed else [],
            facts=[*page.promises(terms), ("Added by", str(terms.requested_by))],
            button=verb,
            variant="primary" if verb == "Approve" else "danger",
        )
        refusals, back = (ReferralError, ReasonMissingError), page_of(terms)
        return confirm(page, request, question, ReasonForm, act, back=back, refusals=refusals)

    return ask


column = Columns(Program)


@admin.register(Program)
class ProgramAdmin(ReadOnlyAdmin):
    """Terms are added with their start; terms that have started are never changed."""

    list_display = (
        "from_day",
        "state",
        "to_referrer",
        "to_referee",
        "minimum",
        "uses",
        "budget_left",
        "characters",
    )
    list_filter = (StateFilter,)
    ordering = ("-starts_at",)
    show_add_link = False  # The page has a button of its own.
    list_before_template = "admin/referrals/program/budget.html"
    change_form_template = "admin/referrals/program/page.html"
    list_select_related = ("requested_by", "decided_by")
    actions_detail = ("approve", "reject", "withdraw")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Program]:
        terms: QuerySet[Program] = super().get_queryset(request)
        states = StateFilter.conditions.items()
        whens = (When(condition, then=Value(name)) for name, (_, condition) in states)
        return terms.annotate(state=Case(*whens, output_field=CharField()))

    def has_add_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("referrals.add_program")

    def get_list_display(self, request: HttpRequest) -> list[str]:
        columns = list(super().get_list_display(request))
        return [*columns, "withdrawal"] if self.has_add_permission(request) else columns

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        now = timezone.now()
        terms = Program.objects.at(now).get()
        shown = terms_page.budget_context(terms, budget.forecast(terms, now=now))
        context = {"title": "Program terms", **shown, **(extra_context or {})}
        page: HttpResponse = super().changelist_view(request, context)
        return page

    def page_context(self, request: HttpRequest, obj: Program) -> dict[str, Any]:
        actions = [
            (reverse(f"admin:{action.action_name}", args=[obj.pk]), action.description)
            for action in self.get_actions_detail(request, obj.pk)
        ]
        shown = terms_page.context(obj, self.promises(obj), now=timezone.now())
        return shown | {"actions": actions}

    def promises(self, row: Program) -> list[tuple[str, Any]]:
        """Return the terms by name, as their list shows them."""
        columns = [getattr(self, name) for name in self.list_display]
        return [(column.short_description, column(row)) for column in columns]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return next_terms.answer(self, request)

    def offers(self, action: str, request: HttpRequest, row: Program) -> bool:
        if action == "withdraw":
            return row.is_withdrawable(now=timezone.now())
        return row.status == Program.Status.WAITING and row.requested_by_id != request.user.pk

    approve = _decision("Approve", "check", approve_terms)
    reject = _decision("Reject", "close", reject_terms)

    @action(description="Withdraw…", permissions=["add"])
    def withdraw(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Withdraw terms before they start."""
        back = reverse("admin:referrals_program_changelist")
        terms = self.get_object(request, object_id)
        if terms is None:
            return refuse(request, "these terms were withdrawn already", back=back)

        def act(reason: str) -> str:
            try:
                withdraw_terms(terms.pk, by=operator(request), reason=reason, now=timezone.now())
            except Program.DoesNotExist:
                return "These terms were withdrawn already."
            return "The terms were withdrawn; those before them go on."

        question = Question(
            title=f"Withdraw the terms from {moment(terms.starts_at)} UTC",
            consequences=[
                "They have not started, so nobody was promised anything by them.",
                "The terms before them go on.",
            ],
            button="Withdraw",
        )
        refusals = (TermsStartedError,)
        return confirm(self, request, question, ReasonForm, act, back=back, refusals=refusals)

    from_day = column("From (UTC)", lambda terms: moment(terms.starts_at))

    @display(description="State", label=COLOURS)
    def state(self, terms: Any) -> str:
        return str(terms.state).replace("_", " ")

    to_referrer = column("To the referrer", lambda terms: dollars(terms.referrer_bonus))
    to_referee = column("To the friend", lambda terms: dollars(terms.referee_bonus))
    minimum = column("Minimum purchase", lambda terms: dollars(terms.minimum_purchase))
    uses = column("Uses of one code", lambda terms: terms.max_uses)
    characters = column("Code length", lambda terms: terms.code_length)

    @display(description="Budget")
    def budget_left(self, terms: Program) -> str:
        if terms.budget is None or terms.left is None:
            return "unlimited"
        return f"{dollars(terms.left)} of {dollars(terms.budget)} left"

    @display(description="")
    def withdrawal(self, terms: Program) -> str:
        if not terms.is_withdrawable(now=timezone.now()):
            return ""
        page = reverse("admin:referrals_program_withdraw", args=[terms.pk])
        return format_html('<a class="desk-link desk-money" href="{}">Withdraw</a>', page)
