"""What the desk's pages of referrals show of a status."""

from gatewayz.cells import badge
from referrals.models import Referral

STATUS_COLOURS = {
    Referral.Status.COMPLETED.value: "success",
    Referral.Status.HELD.value: "warning",
    Referral.Status.REVERSED.value: "danger",
    Referral.Status.VOIDED.value: "info",
}


def status(referral: Referral) -> str:
    return badge(referral.get_status_display(), STATUS_COLOURS[referral.status])
