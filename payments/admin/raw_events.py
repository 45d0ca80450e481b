"""Formats the body of an event so that it is readable, and cannot harm the page."""

import json

from payments.models import StripeEvent

# Indenting a deeply nested event can make it much longer; then it is shown as it came.
LONGEST = 1024 * 1024


def readable(event: StripeEvent) -> str:
    """Return the event indented; as it came if it is not JSON, or would become too long."""
    if not event.body:
        return "Removed, because it is older than RETENTION_EVENTS."
    try:
        text = json.dumps(event.parsed(), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = ""
    if not text or len(text) > LONGEST:
        text = bytes(event.body).decode("utf-8", "backslashreplace")
    return _escaped(text)


def _escaped(text: str) -> str:
    r"""Write invisible and direction-changing characters as `\u202e`; keep lines and letters."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(
        char if char.isprintable() or char == "\n" else char.encode("unicode_escape").decode()
        for char in text
    )
