"""Colleagues do not credit each other: the account of staff gets no credits by hand."""

from typing import Any

import pytest

from accounts import adjustment_rules as rules
from accounts.tests.factories import Person, give
from accounts.tests.test_adjustments import approve, ask, fiona, hire, reject, reverse, sam


@pytest.mark.parametrize("by", [sam, fiona, None])
@pytest.mark.parametrize("role", ["is_staff", "is_superuser"])
def test_credits_for_staff(alice: Person, by: Any, role: str) -> None:
    give(alice, "10.00")
    hire(alice.user, role)

    for amount in ("0.01", "250.00"):
        with pytest.raises(rules.StaffAccountError, match="alice is staff"):
            ask(alice, amount, by=by and by())

    assert reverse(ask(alice, "-0.01")).status == "posted"
    assert alice.balance() == "10.00"


def test_credits_are_not_approved_for_who_has_become_staff(alice: Person) -> None:
    waiting = ask(alice, "250.00")
    hire(alice.user)

    with pytest.raises(rules.StaffAccountError):
        approve(waiting)

    assert reject(waiting).status == "rejected"
    assert alice.balance() == "0.00"
