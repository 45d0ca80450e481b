"""The endpoints about referrals."""

from django.urls import path

from referrals.views import ClaimViewSet, ReferralViewSet, ValidationViewSet

urlpatterns = [
    path("referral/code", ReferralViewSet.as_view({"get": "code"})),
    path("referral/generate", ReferralViewSet.as_view({"post": "generate"})),
    path("referral/validate", ValidationViewSet.as_view({"post": "check"})),
    path("referral/claim", ClaimViewSet.as_view({"post": "create"})),
    path("referral/stats", ReferralViewSet.as_view({"get": "stats"})),
    path("referral/explain", ReferralViewSet.as_view({"get": "explain"})),
    path("referral/leaderboard", ReferralViewSet.as_view({"get": "leaderboard"})),
]
