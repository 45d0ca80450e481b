"""Amounts are formatted as people write them."""

from decimal import Decimal

import pytest

from accounts.money import dollars, dollars_of_cents


@pytest.mark.parametrize(
    ("amount", "written"),
    [("10", "$10.00"), ("0.00", "$0.00"), ("-0.50", "-$0.50"), ("1234567.8", "$1,234,567.80")],
)
def test_dollars_are_written_to_the_cent(amount: str, written: str) -> None:
    assert dollars(Decimal(amount)) == written


@pytest.mark.parametrize(("cents", "written"), [(1000, "$10.00"), (1, "$0.01"), (-250, "-$2.50")])
def test_cents_are_written_as_dollars(cents: int, written: str) -> None:
    assert dollars_of_cents(cents) == written
