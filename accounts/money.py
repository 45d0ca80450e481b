"""How amounts of money are written for people."""

from decimal import Decimal

_CENT = Decimal("0.01")


def dollars(amount: Decimal) -> str:
    """Return `$1,234.50`, or `-$10.00` for what was taken away."""
    sign = "-" if amount < 0 else ""
    return f"{sign}${abs(amount).quantize(_CENT):,}"


def dollars_of_cents(cents: int) -> str:
    """Return `$10.00` for Stripe's 1000."""
    return dollars(Decimal(cents) / 100)
