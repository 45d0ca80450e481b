"""The pages of referrals: the list, the page of each, and the review queue."""

from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_safe

from accounts.money import dollars
from accounts.people import owned_by
from gatewayz.adminbase.confirmation import selected
from gatewayz.adminbase.filters import DayFilter
from gatewayz.adminbase.formatting import moment
from gatewayz.adminbase.model_admin import Columns, ReadOnlyAdmin, action
from gatewayz.adminbase.status_badges import COLOURS
from referrals import codes
from referrals.admin import referral_page, review_queue
from referrals.admin.decision import decide
from referrals.models import Referral

column = Columns(Referral)


@admin.register(Referral)
class ReferralAdmin(ReadOnlyAdmin):
    list_display = ("friend", "invited_by", "use", "bonus", "status_badge", "completed")
    list_filter = ("status", ("completed_at", DayFilter))
    summed = (F("bonus_amount") + F("referee_bonus_amount"), dollars)
    exported: ClassVar = {
        "id": "pk",
        "purchased_at": "completed_at",
        "referrer": "referrer__username",
        "friend": "referred_user__username",
        "referral_code": "referral_code",
        "use_number": "use_number",
        "bonus_amount": "bonus_amount",
        "referee_bonus_amount": "referee_bonus_amount",
        "status": "status",
    }
    list_select_related = ("referrer", "referred_user")
    ordering = ("-completed_at", "-pk")
    sortable_by = ("completed",)
    list_disable_select_all = True
    actions = ("release", "void")
    change_form_template = "admin/referrals/referral/page.html"
    search_help_text = "Code, or part of the name or e-mail of either side"

    def get_urls(self) -> list[URLPattern]:
        queue = self.admin_site.admin_view(require_safe(self.review_view))
        return [path("review/", queue, name="referrals_referral_review"), *super().get_urls()]

    def found_by(self, term: str) -> list[Q]:
        sides = owned_by(term, *_SIDES)
        return [Q(referrer__referral_code=codes.normalize(term) or ""), *sides]

    def page_context(self, request: HttpRequest, obj: Referral) -> dict[str, Any]:
        return referral_page.context(request, obj, may_review=self.has_review_permission(request))

    def review_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = self.context(request) | {"may_review": self.has_review_permission(request)}
        return review_queue.answer(request, context)

    def has_review_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("referrals.review_referral")

    @action(description="Release, with one reason for all", permissions=["review"])
    def release(self, request: HttpRequest, listed: QuerySet[Referral]) -> HttpResponse:
        return decide(self, request, "release", selected(listed))

    @action(description="Void, with one reason for all", permissions=["review"])
    def void(self, request: HttpRequest, listed: QuerySet[Referral]) -> HttpResponse:
        return decide(self, request, "void", selected(listed))

    friend = column("Friend", lambda row: row.referred_user.username)
    invited_by = column("Invited by", lambda row: row.referrer.username)
    use = column(
        "Use of the code",
        lambda row: f"{row.use_number} of {row.max_uses} · {row.referral_code}",
    )
    bonus = column(
        "Bonus, referrer + friend",
        lambda row: f"{dollars(row.bonus_amount)} + {dollars(row.referee_bonus_amount)}",
    )
    status_badge = column(
        "Status", lambda row: (row.status, row.get_status_display()), label=COLOURS
    )
    completed = column("Purchase", lambda row: moment(row.completed_at), ordering="completed_at")


_SIDES = ("referrer", "referred_user")
