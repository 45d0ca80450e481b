"""Statuses as badges: a word has one colour on every page, whatever it is the status of."""

from typing import Any

from gatewayz.adminbase.formatting import badge

# By word, as `display(label=…)` takes them. The operators' app fills it at the start.
COLOURS: dict[str, str] = {}


def word_badge(word: str) -> str:
    """Return a status as a badge."""
    return badge(str(word).replace("_", " "), COLOURS[word])


def status_badge(row: Any) -> str:
    """Return the `status` of a row as a badge."""
    return badge(row.get_status_display(), COLOURS[row.status])
