"""Writes the body of an event so that anybody can read it, and no body can do harm."""

import json

from payments.models import StripeEvent

# Deep nesting makes indentation larger than the event; then it is shown as it came.
LONGEST = 1024 * 1024


def readable(event: StripeEvent) -> str:
    """Return the event indented; byte by byte when it is no JSON, or would get too long."""
    try:
        text = json.dumps(event.parsed(), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return _escaped(bytes(event.body).decode("utf-8", "backslashreplace"))
    if len(text) > LONGEST:
        return _escaped(bytes(event.body).decode("utf-8", "backslashreplace"))
    return _escaped(text)


def _escaped(text: str) -> str:
    r"""Write what cannot be seen, or turns text around, as `\u202e`; leave lines and letters."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(
        char if char.isprintable() or char == "\n" else char.encode("unicode_escape").decode()
        for char in text
    )
