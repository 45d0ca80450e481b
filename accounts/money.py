"""Amounts of money: the database column, and how they are formatted for people."""

from decimal import Decimal
from typing import Any, TypedDict

from django.db import models

CENT = Decimal("0.01")


class Digits(TypedDict):
    """The precision of a decimal field."""

    max_digits: int
    decimal_places: int


# Large enough for a balance of a hundred billion dollars, to the cent.
MONEY: Digits = {"max_digits": 14, "decimal_places": 2}


class MoneyField(models.DecimalField):
    """A column of US dollars, to the cent."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**MONEY, **options})

    def deconstruct(self) -> tuple[str, str, Any, dict[str, Any]]:
        """Leave the digits out of migrations: they are always the same."""
        name, path, args, options = super().deconstruct()
        return name, path, args, {key: options[key] for key in options if key not in MONEY}


def from_cents(cents: int) -> Decimal:
    """Return an amount in Stripe's cents as US dollars."""
    return Decimal(cents) / 100


def dollars(amount: Decimal) -> str:
    """Return `$1,234.50`, or `-$10.00` for a negative amount."""
    sign = "-" if amount < 0 else ""
    return f"{sign}${abs(amount).quantize(CENT):,}"


def short_dollars(amount: Decimal) -> str:
    """Return `$10`, or `$10.50` if there are cents."""
    return dollars(amount).removesuffix(".00")


def dollars_of_cents(cents: int) -> str:
    """Return `$10.00` for Stripe's 1000."""
    return dollars(from_cents(cents))
