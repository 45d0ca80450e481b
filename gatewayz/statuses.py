"""The colour of each status, which is the same on every page of the desk."""

from datetime import datetime

from accounts import api_keys
from accounts.api_keys import State as KeyState
from accounts.models import Adjustment, ApiKey
from gatewayz.cells import badge
from payments.friends import State as FriendState
from payments.models import Clawback, Payment
from referrals.models import Referral

PAYMENTS = {
    Payment.Status.CREATED.value: "default",
    Payment.Status.PENDING.value: "info",
    Payment.Status.PAID.value: "success",
    Payment.Status.FAILED.value: "danger",
    Payment.Status.EXPIRED.value: "default",
}
CLAWBACKS = {
    Clawback.Status.PENDING.value: "info",
    Clawback.Status.SUCCEEDED.value: "warning",
    Clawback.Status.FAILED.value: "default",
    Clawback.Status.OPEN.value: "danger",
    Clawback.Status.DISMISSED.value: "default",
    Clawback.Status.LOST.value: "danger",
    Clawback.Status.WON.value: "success",
}
REFERRALS = {
    Referral.Status.COMPLETED.value: "success",
    Referral.Status.HELD.value: "warning",
    Referral.Status.REVERSED.value: "danger",
    Referral.Status.VOIDED.value: "info",
}
ADJUSTMENTS = {
    Adjustment.Status.WAITING.value: "warning",
    Adjustment.Status.POSTED.value: "success",
    Adjustment.Status.REJECTED.value: "danger",
}
FRIENDS = {
    **REFERRALS,
    FriendState.PENDING.value: "info",
    FriendState.NOT_COUNTED.value: "default",
}
KEYS = {
    KeyState.IN_USE.value: "success",
    KeyState.ENDING.value: "warning",
    KeyState.REVOKED.value: "default",
}
ACCOUNTS = {
    "active": "success",
    "deactivated": "danger",
    "staff": "primary",
    "superuser": "primary",
}
_OF_ROWS = {
    Adjustment: ADJUSTMENTS,
    Clawback: CLAWBACKS,
    Payment: PAYMENTS,
    Referral: REFERRALS,
}


def key(row: ApiKey, *, now: datetime) -> str:
    """Return what the key is good for, as a badge."""
    state = api_keys.state(row, now=now)
    return badge(state, KEYS[state])


def account(word: str) -> str:
    """Return what kind of account it is, as a badge."""
    return badge(word, ACCOUNTS[word])


def status(row: Adjustment | Clawback | Payment | Referral) -> str:
    """Return where the row stands, as a badge."""
    return badge(row.get_status_display(), _OF_ROWS[type(row)][row.status])
