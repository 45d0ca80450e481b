"""The desk's page of the program's terms: their history, the budget, and what lies ahead."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.html import format_html

from accounts.money import dollars
from gatewayz.adminbase.formatting import moment
from gatewayz.adminbase.model_admin import ReadOnlyAdmin, display
from referrals import budget
from referrals.admin import next_terms, terms_page
from referrals.admin.withdrawal import withdraw
from referrals.models import Program

_STATES = {"in force": "success", "to come": "info", "past": "default"}


@admin.register(Program)
class ProgramAdmin(ReadOnlyAdmin):
    """Terms are added, with the day on which they start; what was promised is not rewritten."""

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
    ordering = ("-starts_at",)
    show_add_link = False  # The page has a button of its own.
    list_before_template = "admin/referrals/program/budget.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Program]:
        later = Program.objects.filter(starts_at__gt=OuterRef("starts_at")).order_by("starts_at")
        terms: QuerySet[Program] = super().get_queryset(request)
        return terms.annotate(ends_at=Subquery(later.values("starts_at")[:1]))

    def get_urls(self) -> list[URLPattern]:
        return [self.own_page("withdraw", withdraw), *super().get_urls()]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("referrals.add_program")

    def get_list_display(self, request: HttpRequest) -> list[str]:
        columns = list(super().get_list_display(request))
        return [*columns, "withdrawal"] if self.has_add_permission(request) else columns

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        now = timezone.now()
        terms = Program.objects.at(now).get()
        told = terms_page.told(terms, budget.forecast(terms, now=now))
        context = {"title": "Program terms", **told, **(extra_context or {})}
        page: HttpResponse = super().changelist_view(request, context)
        return page

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if not self.has_view_permission(request) or request.method == "POST":
            raise PermissionDenied
        terms = self.get_object(request, object_id)
        if terms is None:
            raise Http404
        columns = [getattr(self, name) for name in self.list_display]
        promises = [(column.short_description, column(terms)) for column in columns]
        context = {**self.admin_site.each_context(request), "opts": self.opts}
        context["withdrawal"] = self.withdrawal(terms) if self.has_add_permission(request) else ""
        return terms_page.answer(request, terms, promises, context, now=timezone.now())

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        context = {**self.admin_site.each_context(request), "opts": self.opts}
        return next_terms.answer(request, context)

    @display(description="From (UTC)")
    def from_day(self, terms: Program) -> str:
        return moment(terms.starts_at)

    @display(description="State", label=_STATES)
    def state(self, terms: Any) -> str:
        now = timezone.now()
        if terms.starts_at > now:
            return "to come"
        return "past" if terms.ends_at and terms.ends_at <= now else "in force"

    @display(description="To the referrer")
    def to_referrer(self, terms: Program) -> str:
        return dollars(terms.referrer_bonus)

    @display(description="To the friend")
    def to_referee(self, terms: Program) -> str:
        return dollars(terms.referee_bonus)

    @display(description="Minimum purchase")
    def minimum(self, terms: Program) -> str:
        return dollars(terms.minimum_purchase)

    @display(description="Uses of one code")
    def uses(self, terms: Program) -> int:
        return terms.max_uses

    @display(description="Code length")
    def characters(self, terms: Program) -> int:
        return terms.code_length

    @display(description="Budget")
    def budget_left(self, terms: Program) -> str:
        if terms.budget is None or terms.left is None:
            return "no end"
        return f"{dollars(terms.left)} of {dollars(terms.budget)} left"

    @display(description="")
    def withdrawal(self, terms: Program) -> str:
        if terms.starts_at <= timezone.now():
            return ""
        page = reverse("admin:referrals_program_withdraw", args=[terms.pk])
        return format_html('<a class="desk-link desk-money" href="{}">Withdraw</a>', page)
