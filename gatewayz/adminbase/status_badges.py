"""Statuses as badges: a word has one colour on every page, whatever it is the status of."""

from typing import Any

from gatewayz.adminbase.formatting import badge

_WORDS = {
    "success": ("active", "completed", "in force", "in use", "paid", "posted", "won"),
    "info": ("pending", "staff", "superuser", "to come", "voided"),
    "warning": ("ending", "held", "succeeded", "waiting"),
    "danger": ("deactivated", "failed", "lost", "open", "rejected", "reversed"),
    "default": (
        *("created", "dismissed", "expired", "not_counted", "past", "revoked", "withdrawn"),
    ),
}
# As `display(label=…)` takes them.
COLOURS = {word: colour for colour, words in _WORDS.items() for word in words}


def word_badge(word: str) -> str:
    """Return a status as a badge."""
    return badge(str(word).replace("_", " "), COLOURS[word])


def status_badge(row: Any) -> str:
    """Return the `status` of a row as a badge."""
    return badge(row.get_status_display(), COLOURS[row.status])
