"""The desk's pages of the referrals: the list, the page of each, and the review queue."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_safe

from accounts.money import dollars
from accounts.people import owned_by
from gatewayz.adminbase.formatting import moment
from gatewayz.adminbase.model_admin import ReadOnlyAdmin, display
from referrals import codes
from referrals.admin import decision, referral_page, review_queue
from referrals.models import Referral
from referrals.status_colours import REFERRALS


@admin.register(Referral)
class ReferralAdmin(ReadOnlyAdmin):
    list_display = ("friend", "invited_by", "use", "bonus", "status_badge", "completed")
    list_filter = ("status",)
    list_select_related = ("referrer", "referred_user")
    ordering = ("-completed_at", "-pk")
    sortable_by = ("completed",)
    search_help_text = "Code, or beginning of the name or e-mail of either side"

    def get_urls(self) -> list[URLPattern]:
        queue = self.admin_site.admin_view(require_safe(self.review_view))
        decide = self.admin_site.admin_view(self.decide_view)
        return [
            path("review/", queue, name="referrals_referral_review"),
            path("review/decide/", decide, name="referrals_referral_decide"),
            *super().get_urls(),
        ]

    def found_by(self, term: str) -> list[Q]:
        sides = [way for side in _SIDES for way in owned_by(term, side)]
        return [Q(referrer__referral_code=codes.normalize(term) or ""), *sides]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if not self.has_view_permission(request) or request.method == "POST":
            raise PermissionDenied
        referral = self.get_object(request, object_id)
        if referral is None:
            raise Http404
        return referral_page.answer(request, referral, self._context(request))

    def review_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return review_queue.answer(request, self._context(request))

    def decide_view(self, request: HttpRequest) -> HttpResponse:
        if not self._may_review(request):
            raise PermissionDenied
        return decision.answer(self, request)

    def _may_review(self, request: HttpRequest) -> bool:
        return request.user.has_perm("referrals.review_referral")

    def _context(self, request: HttpRequest) -> dict[str, Any]:
        context = self.admin_site.each_context(request)
        return {**context, "opts": self.opts, "may_review": self._may_review(request)}

    @display(description="Friend")
    def friend(self, referral: Referral) -> str:
        return referral.referred_user.username

    @display(description="Invited by")
    def invited_by(self, referral: Referral) -> str:
        return referral.referrer.username

    @display(description="Use of the code")
    def use(self, referral: Referral) -> str:
        return f"{referral.use_number} of {referral.max_uses} · {referral.referral_code}"

    @display(description="Bonus, referrer + friend")
    def bonus(self, referral: Referral) -> str:
        return f"{dollars(referral.bonus_amount)} + {dollars(referral.referee_bonus_amount)}"

    @display(description="Status", label=REFERRALS)
    def status_badge(self, referral: Referral) -> tuple[str, str]:
        return referral.status, referral.get_status_display()

    @display(description="Purchase", ordering="completed_at")
    def completed(self, referral: Referral) -> str:
        return moment(referral.completed_at)


_SIDES = ("referrer", "referred_user")
