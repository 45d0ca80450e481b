"""Amounts as a payer reads them."""

_SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£"}


def display_amount(cents: int, currency: str) -> str:
    """Return whole cents as `$1,234.50`."""
    return f"{_SYMBOLS[currency]}{cents // 100:,}.{cents % 100:02}"
