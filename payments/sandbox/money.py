"""Amounts as a payer reads and types them."""

import re


def display_amount(cents: int) -> str:
    """Return whole cents as `$1,234.50`."""
    return f"${cents // 100:,}.{cents % 100:02}"


def typed_amount(cents: int) -> str:
    """Return whole cents as people type them: `1234.50`."""
    return f"{cents // 100}.{cents % 100:02}"


def typed_cents(typed: str) -> int | None:
    """Return the cents of `12.5` or `1234`; None for anything else, zero included."""
    match = re.fullmatch(r"([0-9]{1,9})(?:\.([0-9]{1,2}))?", typed.strip(), re.ASCII)
    if match is None:
        return None
    return int(match[1]) * 100 + int((match[2] or "").ljust(2, "0")) or None
