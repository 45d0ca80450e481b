"""The colours of account, key and adjustment statuses, registered with the admin's base."""

from accounts.api_keys import State as KeyState
from accounts.models import Adjustment
from gatewayz.adminbase import status_badges
from gatewayz.adminbase.formatting import badge

ADJUSTMENTS = status_badges.register(
    Adjustment.Status,
    {
        Adjustment.Status.WAITING.value: "warning",
        Adjustment.Status.POSTED.value: "success",
        Adjustment.Status.REJECTED.value: "danger",
        Adjustment.Status.REVERSED.value: "default",
        Adjustment.Status.WITHDRAWN.value: "default",
    },
)
status_badges.register(
    KeyState,
    {
        KeyState.IN_USE.value: "success",
        KeyState.ENDING.value: "warning",
        KeyState.REVOKED.value: "default",
    },
)
ACCOUNTS = {
    "active": "success",
    "deactivated": "danger",
    "staff": "info",
    "superuser": "info",
}


def account_badge(word: str) -> str:
    """Return the kind of account as a coloured badge."""
    return badge(word, ACCOUNTS[word])
