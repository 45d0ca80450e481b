"""Amounts as a payer reads them."""


def display_amount(cents: int) -> str:
    """Return whole cents as `$1,234.50`."""
    return f"${cents // 100:,}.{cents % 100:02}"
