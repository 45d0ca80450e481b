"""The desk's page of the referrals."""

from django.contrib import admin
from django.db.models import Q

from accounts.models import User
from gatewayz.model_admin import ReadOnlyAdmin
from referrals.models import Referral


@admin.register(Referral)
class ReferralAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "referrer",
        "referred_user",
        "referral_code",
        "slot",
        "bonus_amount",
        "status",
        "completed_at",
    )
    list_filter = ("status",)
    list_select_related = ("referrer", "referred_user")
    search_help_text = "Code, or the user name of either side, in full"

    def found_by(self, term: str) -> list[Q]:
        called = User.objects.filter(username=term).values("pk")
        owner = User.objects.filter(referral_code=term.upper()).values("pk")
        return [Q(referrer__in=called), Q(referred_user__in=called), Q(referrer__in=owner)]
