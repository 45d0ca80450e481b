"""The leaderboard's page of the desk: the snapshot by period, exported with what is filtered."""

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import SimpleListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from accounts.money import dollars
from accounts.people import owned_by
from gatewayz.adminbase.model_admin import ReadOnlyAdmin, display
from gatewayz.cli.output import counted
from payments.reports import leaderboard
from referrals import codes
from referrals.admin.leaderboard_export import export
from referrals.models import LeaderboardEntry


class PeriodFilter(SimpleListFilter):
    """One period at a time: ranks of several have nothing to do with one another."""

    title = parameter_name = "period"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            (value, label) for value, label in LeaderboardEntry.Period.choices if value != "all"
        ]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[LeaderboardEntry]
    ) -> QuerySet[LeaderboardEntry]:
        if self.value() not in (None, *LeaderboardEntry.Period.values):
            raise IncorrectLookupParameters
        return queryset.filter(period=_period(request))


class UsesLeftFilter(SimpleListFilter):
    title = "code"
    parameter_name = "code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "has uses left"), ("spent", "is used up")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[LeaderboardEntry]
    ) -> QuerySet[LeaderboardEntry]:
        match self.value():
            case None:
                return queryset
            case "open":
                return queryset.filter(uses_left__gt=0)
            case "spent":
                return queryset.filter(uses_left=0)
        raise IncorrectLookupParameters


@admin.register(LeaderboardEntry)
class LeaderboardAdmin(ReadOnlyAdmin):
    list_display = (
        "person",
        "by_referrals",
        "by_earnings",
        "by_revenue",
        "converted",
        "left",
    )
    list_display_links = None
    list_filter = (PeriodFilter, UsesLeftFilter)
    list_select_related = ("user",)
    sortable_by = ("by_referrals", "by_earnings", "by_revenue")
    ordering = ("place_by_referrals",)
    search_help_text = "Beginning of the name or e-mail, or the code"
    list_before_template = "admin/referrals/leaderboardentry/tools.html"

    def found_by(self, term: str) -> list[Q]:
        return [*owned_by(term), Q(user__referral_code=codes.normalize(term) or "")]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        period = _period(request)
        leaderboard.ensure_snapshot(now=timezone.now())
        tools = {
            "title": "Leaderboard",
            "counted_at": leaderboard.snapshot_time(period),
            "periods": [
                (label, _with(request, period=value), value == period)
                for value, label in LeaderboardEntry.Period.choices
            ],
            "export_page": f"export/?{request.GET.urlencode()}",
            "may_export": request.user.has_perm("accounts.export"),
        }
        page: HttpResponse = super().changelist_view(request, (extra_context or {}) | tools)
        return page

    def get_urls(self) -> list[URLPattern]:
        refresh = self.admin_site.admin_view(require_POST(self.refresh))
        return [
            path("refresh/", refresh, name="referrals_leaderboardentry_refresh"),
            path("export/", self.admin_site.admin_view(partial(export, self))),
            *super().get_urls(),
        ]

    def refresh(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if leaderboard.refresh(now=timezone.now()):
            messages.success(request, "Counted anew.")
        else:
            messages.info(request, "Somebody else is counting just now.")
        return HttpResponseRedirect(reverse("admin:referrals_leaderboardentry_changelist"))

    @display(description="Person", header=True)
    def person(self, row: LeaderboardEntry) -> list[str]:
        link = reverse("admin:accounts_user_change", args=[row.user_id])
        name = format_html('<a class="desk-link" href="{}">{}</a>', link, row.user.username)
        return [name, row.user.referral_code or ""]

    @display(description="Referrals", ordering="place_by_referrals")
    def by_referrals(self, row: LeaderboardEntry) -> str:
        return _ranked(f"{row.referrals:,}", row.rank_by_referrals)

    @display(description="Earned", ordering="place_by_earnings")
    def by_earnings(self, row: LeaderboardEntry) -> str:
        return _ranked(dollars(row.earned), row.rank_by_earnings)

    @display(description="Friends' revenue", ordering="place_by_revenue")
    def by_revenue(self, row: LeaderboardEntry) -> str:
        return _ranked(dollars(row.revenue), row.rank_by_revenue)

    @display(description="Conversion")
    def converted(self, row: LeaderboardEntry) -> str:
        if row.conversion is None:
            return "no sign-ups"
        of_these = counted(row.signups, "sign-up")
        return f"{row.qualified:,} of {of_these}, {row.conversion} %"

    @display(description="Uses left")
    def left(self, row: LeaderboardEntry) -> int:
        return row.uses_left


def _period(request: HttpRequest) -> LeaderboardEntry.Period:
    asked = request.GET.get("period", "")
    return (
        LeaderboardEntry.Period(asked)
        if asked in LeaderboardEntry.Period.values
        else LeaderboardEntry.Period.ALL
    )


def _with(request: HttpRequest, **changes: str) -> str:
    """Return the query of this page with `changes`, from its first page on."""
    query = request.GET.copy()
    for name, value in changes.items():
        query[name] = value
    query.pop("p", None)
    return f"?{query.urlencode()}"


def _ranked(value: str, rank: int | None) -> str:
    """Return an amount with its rank; nothing has none."""
    return format_html(
        '<span class="desk-money">{}</span> <span class="desk-time">{}</span>',
        value,
        "" if rank is None else f"#{rank}",
    )
