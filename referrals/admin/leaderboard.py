"""The leaderboard's page of the desk: the snapshot by period, exported with what is filtered."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import SimpleListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import BadRequest, PermissionDenied
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_POST
from import_export.fields import Field
from import_export.formats import base_formats
from import_export.resources import ModelResource

from accounts import audit
from accounts.models import User
from accounts.money import dollars
from gatewayz.model_admin import ReadOnlyAdmin, display, operator
from gatewayz.reporting import safe_for_spreadsheets
from payments import standings
from referrals.models import Standing

FORMATS: dict[str, Callable[[], base_formats.TablibFormat]] = {
    "csv": base_formats.CSV,
    "xlsx": base_formats.XLSX,
}


class StandingResource(ModelResource):
    """The columns of an export; amounts are numbers, and no text is a formula."""

    username = Field("user__username", "username")
    email = Field("user__email", "email")
    referral_code = Field("user__referral_code", "referral_code")
    conversion = Field("conversion", "conversion")

    class Meta:
        model = Standing
        chunk_size = 1000
        fields = export_order = (
            "period",
            "rank_by_referrals",
            "rank_by_earnings",
            "rank_by_revenue",
            "username",
            "email",
            "referral_code",
            "referrals",
            "earned",
            "revenue",
            "signups",
            "conversion",
            "uses_left",
            "computed_at",
        )

    def export_field(self, field: Field, instance: Standing, **kwargs: Any) -> Any:
        # Native types, so that a spreadsheet can add them up.
        value = field.get_value(instance)
        if field.column_name == "computed_at":
            return value.isoformat(timespec="seconds")
        return safe_for_spreadsheets(value)


class PeriodFilter(SimpleListFilter):
    """One period at a time: ranks of several have nothing to do with one another."""

    title = parameter_name = "period"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, label) for value, label in Standing.Period.choices if value != "all"]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Standing]) -> QuerySet[Standing]:
        return queryset.filter(period=_period(request))


class UsesLeftFilter(SimpleListFilter):
    title = "code"
    parameter_name = "code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "has uses left"), ("spent", "is used up")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Standing]) -> QuerySet[Standing]:
        if self.value() == "open":
            return queryset.filter(uses_left__gt=0)
        return queryset.filter(uses_left=0) if self.value() == "spent" else queryset


@admin.register(Standing)
class LeaderboardAdmin(ReadOnlyAdmin):
    list_display = (
        "person",
        "by_referrals",
        "by_earnings",
        "by_revenue",
        "sign_ups",
        "converted",
        "left",
    )
    list_display_links = None
    list_filter = (PeriodFilter, UsesLeftFilter)
    list_select_related = ("user",)
    sortable_by = ("by_referrals", "by_earnings", "by_revenue")
    ordering = ("rank_by_referrals",)
    search_help_text = "Beginning of the name, or the e-mail or code in full"
    list_before_template = "admin/referrals/standing/tools.html"

    def found_by(self, term: str) -> list[Q]:
        people = User.objects.annotate(name=Lower("username"), mail=Lower("email"))
        return [
            Q(user__in=people.filter(name=term.lower())),
            Q(user__in=people.filter(username__startswith=term)),
            Q(user__in=people.filter(mail=term.lower())),
            Q(user__in=people.filter(referral_code=term.upper())),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        period = _period(request)
        standings.ensure_counted(now=timezone.now())
        tools = {
            "title": "Leaderboard",
            "counted_at": standings.counted_at(period),
            "periods": [
                (label, _with(request, period=value), value == period)
                for value, label in Standing.Period.choices
            ],
            "exports": [
                (name.upper(), f"export/{name}/?{request.GET.urlencode()}") for name in FORMATS
            ],
            "may_export": request.user.has_perm("accounts.export"),
        }
        page: HttpResponse = super().changelist_view(request, (extra_context or {}) | tools)
        return page

    def get_urls(self) -> list[URLPattern]:
        refresh = self.admin_site.admin_view(require_POST(self.refresh))
        return [
            path("refresh/", refresh, name="referrals_standing_refresh"),
            *(
                path(f"export/{name}/", self.admin_site.admin_view(self.export), {"name": name})
                for name in FORMATS
            ),
            *super().get_urls(),
        ]

    def refresh(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if standings.refresh(now=timezone.now()):
            messages.success(request, "Counted anew.")
        else:
            messages.info(request, "Somebody else is counting just now.")
        return HttpResponseRedirect(reverse("admin:referrals_standing_changelist"))

    @display(description="Person", header=True)
    def person(self, row: Standing) -> list[str]:
        link = reverse("admin:accounts_user_change", args=[row.user_id])
        name = format_html('<a class="desk-link" href="{}">{}</a>', link, row.user.username)
        return [name, row.user.referral_code or ""]

    @display(description="Referrals", ordering="rank_by_referrals")
    def by_referrals(self, row: Standing) -> str:
        return _ranked(f"{row.referrals:,}", row.rank_by_referrals)

    @display(description="Earned", ordering="rank_by_earnings")
    def by_earnings(self, row: Standing) -> str:
        return _ranked(dollars(row.earned), row.rank_by_earnings)

    @display(description="Friends' revenue", ordering="rank_by_revenue")
    def by_revenue(self, row: Standing) -> str:
        return _ranked(dollars(row.revenue), row.rank_by_revenue)

    @display(description="Sign-ups")
    def sign_ups(self, row: Standing) -> int:
        return row.signups

    @display(description="Conversion", empty_value="–")
    def converted(self, row: Standing) -> str | None:
        return None if row.conversion is None else f"{row.conversion} %"

    @display(description="Uses left")
    def left(self, row: Standing) -> int:
        return row.uses_left

    def export(self, request: HttpRequest, name: str) -> HttpResponse:
        """Give all that the filters leave as a file, and record who took it."""
        if not request.user.has_perm("accounts.export"):
            raise PermissionDenied
        form = FORMATS[name]()
        period = _period(request)
        now = timezone.now()
        with transaction.atomic():
            try:
                rows = self.get_changelist_instance(request).get_queryset(request)
            except IncorrectLookupParameters as nonsense:
                raise BadRequest from nonsense
            data = StandingResource().export(rows.select_related("user"))
            audit.record(
                by=operator(request),
                action="exported",
                target=Standing,
                after={"rows": len(data), "format": name, "filters": request.GET.urlencode()},
                now=now,
            )
        filename = f"leaderboard-{period}-{now:%Y-%m-%d}.{name}"
        return HttpResponse(
            form.export_data(data),
            content_type=form.get_content_type(),
            headers={"Content-Disposition": f'attachment; filename="{filename}"'},
        )


def _period(request: HttpRequest) -> Standing.Period:
    asked = request.GET.get("period", "")
    return Standing.Period(asked) if asked in Standing.Period.values else Standing.Period.ALL


def _with(request: HttpRequest, **changes: str) -> str:
    """Return the query of this page with `changes`, from its first page on."""
    query = request.GET.copy()
    for name, value in changes.items():
        query[name] = value
    query.pop("p", None)
    return f"?{query.urlencode()}"


def _ranked(value: str, rank: int) -> str:
    return format_html(
        '<span class="desk-money">{}</span> <span class="desk-time">#{}</span>', value, rank
    )
