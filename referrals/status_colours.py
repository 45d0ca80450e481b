"""The admin's colours for the statuses of referrals."""

from gatewayz.adminbase import status_badges
from referrals.models import Referral

REFERRALS = status_badges.register(
    Referral.Status,
    {
        Referral.Status.COMPLETED.value: "success",
        Referral.Status.HELD.value: "warning",
        Referral.Status.REVERSED.value: "danger",
        Referral.Status.VOIDED.value: "info",
    },
)
