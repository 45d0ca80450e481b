"""The endpoints about referrals."""

from django.urls import path

from referrals.views import (
    ClaimViewSet,
    ExplanationViewSet,
    LeaderboardViewSet,
    ReferralViewSet,
    ValidationViewSet,
)

urlpatterns = [
    path("referral/code", ReferralViewSet.as_view({"get": "code"})),
    path("referral/generate", ReferralViewSet.as_view({"post": "generate"})),
    path("referral/validate", ValidationViewSet.as_view({"post": "check"})),
    path("referral/claim", ClaimViewSet.as_view({"post": "create"})),
    path("referral/stats", ReferralViewSet.as_view({"get": "stats"})),
    path("referral/explain", ExplanationViewSet.as_view({"get": "retrieve"})),
    path("referral/leaderboard", LeaderboardViewSet.as_view({"get": "retrieve"})),
]
