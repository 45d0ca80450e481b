"""The admin's colours for the statuses of purchases, refunds, disputes and referees."""

from gatewayz.adminbase import status_badges
from payments.explanations.referees import State as RefereeState
from payments.models import Clawback, Payment
from referrals.status_colours import REFERRALS

status_badges.register(
    Payment.Status,
    {
        Payment.Status.CREATED.value: "default",
        Payment.Status.PENDING.value: "info",
        Payment.Status.PAID.value: "success",
        Payment.Status.FAILED.value: "danger",
        Payment.Status.EXPIRED.value: "default",
    },
)
status_badges.register(
    Clawback.Status,
    {
        Clawback.Status.PENDING.value: "info",
        Clawback.Status.SUCCEEDED.value: "warning",
        Clawback.Status.FAILED.value: "default",
        Clawback.Status.OPEN.value: "danger",
        Clawback.Status.DISMISSED.value: "default",
        Clawback.Status.LOST.value: "danger",
        Clawback.Status.WON.value: "success",
    },
)
status_badges.register(
    RefereeState,
    {
        **REFERRALS,
        RefereeState.PENDING.value: "info",
        RefereeState.NOT_COUNTED.value: "default",
    },
)
