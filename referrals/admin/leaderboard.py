"""The page of the leaderboard: its snapshot by period."""

from decimal import Decimal
from functools import partial
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import F, Q, QuerySet
from django.db.models.functions import NullIf, Round
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html

from accounts import report_database
from accounts.money import dollars
from accounts.people import owned_by
from gatewayz.adminbase.filters import ConditionFilter
from gatewayz.adminbase.formatting import link
from gatewayz.adminbase.model_admin import Columns, ReadOnlyAdmin, display
from gatewayz.cli.output import counted
from payments.reports import leaderboard
from referrals import codes
from referrals.models import LeaderboardEntry


class PeriodFilter(SimpleListFilter):
    """One period at a time: the ranks of different periods cannot be compared."""

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


class UsesLeftFilter(ConditionFilter):
    title = parameter_name = "code"
    conditions: ClassVar = {
        "open": ("has uses left", Q(uses_left__gt=0)),
        "spent": ("is used up", Q(uses_left=0)),
    }


_RANKS = ("rank_by_referrals", "rank_by_earnings", "rank_by_revenue")
_FIGURES = ("referrals", "earned", "revenue", "signups", "qualified")
column = Columns(LeaderboardEntry)


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
    export_order = "place_by_referrals"
    exported: ClassVar = {
        **{name: name for name in ("period", *_RANKS)},
        "username": "user__username",
        "email": "user__email",
        "referral_code": "user__referral_code",
        **{name: name for name in _FIGURES},
        "conversion": Round(F("qualified") * Decimal(100) / NullIf(F("signups"), 0), 1),
        "uses_left": "uses_left",
        "computed_at": "computed_at",
    }
    search_help_text = "Part of the name or e-mail, or the code"
    list_before_template = "admin/referrals/leaderboardentry/tools.html"

    def found_by(self, term: str) -> list[Q]:
        return [*owned_by(term), Q(user__referral_code=codes.normalize(term) or "")]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        period = _period(request)
        leaderboard.ensure_snapshot(now=timezone.now())
        with report_database.fixed(report_database.choose()):
            counted_at = report_database.read(partial(leaderboard.snapshot_time, period))
            tools = {
                "title": "Leaderboard",
                "counted_at": counted_at,
                "periods": [
                    (label, value, value == period)
                    for value, label in LeaderboardEntry.Period.choices
                ],
            }
            page: HttpResponse = super().changelist_view(request, (extra_context or {}) | tools)
        return page

    def get_queryset(self, request: HttpRequest) -> QuerySet[LeaderboardEntry]:
        rows: QuerySet[LeaderboardEntry] = super().get_queryset(request)
        return rows.using(report_database.choose())

    @display(description="Person", header=True)
    def person(self, row: LeaderboardEntry) -> list[str]:
        return [link(row.user, row.user.username), row.user.referral_code or ""]

    by_referrals = column(
        "Referrals",
        lambda row: _ranked(f"{row.referrals:,}", row.rank_by_referrals),
        ordering="place_by_referrals",
    )
    by_earnings = column(
        "Earned",
        lambda row: _ranked(dollars(row.earned), row.rank_by_earnings),
        ordering="place_by_earnings",
    )
    by_revenue = column(
        "Friends' revenue",
        lambda row: _ranked(dollars(row.revenue), row.rank_by_revenue),
        ordering="place_by_revenue",
    )

    @display(description="Conversion")
    def converted(self, row: LeaderboardEntry) -> str:
        if row.conversion is None:
            return "no sign-ups"
        of_these = counted(row.signups, "sign-up")
        return f"{row.qualified:,} of {of_these}, {row.conversion} %"

    left = column("Uses left", lambda row: row.uses_left)


def _period(request: HttpRequest) -> LeaderboardEntry.Period:
    asked = request.GET.get("period", "")
    return (
        LeaderboardEntry.Period(asked)
        if asked in LeaderboardEntry.Period.values
        else LeaderboardEntry.Period.ALL
    )


def _ranked(value: str, rank: int | None) -> str:
    """Return an amount with its rank, if it has one."""
    return format_html(
        '<span class="desk-money">{}</span> <span class="desk-time">{}</span>',
        value,
        "" if rank is None else f"#{rank}",
    )
