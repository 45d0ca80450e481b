"""Operators add terms that start now or later, with a reason; existing terms do not change."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from accounts import audit
from accounts.tests.factories import reviewer
from payments.tests.at_once import at_once
from referrals import terms
from referrals.models import Program

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def add(**changes: Any) -> Program:
    fields: dict[str, Any] = {
        "referrer_bonus": Decimal("15.00"),
        "referee_bonus": Decimal("5.00"),
        "minimum_purchase": Decimal("10.00"),
        "max_uses": 20,
        "budget": Decimal("100.00"),
        "by": reviewer(),
        "reason": "The spring campaign",
    }
    return terms.add_terms(now=NOW, **fields | changes)


def test_they_are_in_force_from_their_start_or_else_at_once(db: None) -> None:
    half = Decimal("50.00")
    added = add(starts_at=NOW + timedelta(days=7), budget=half)

    assert Program.objects.at(NOW + timedelta(days=6)).get() != added
    assert Program.objects.at(NOW + timedelta(days=7)).get() == added
    assert add(budget=half) == Program.objects.at(NOW).get()


def test_the_replaced_terms_are_in_the_audit_log() -> None:
    added = add()

    entry = audit.of(added).get()
    assert (entry.action, entry.by) == ("add terms", reviewer())
    assert entry.reason == "The spring campaign"
    assert (entry.before["referrer_bonus"], entry.after["referrer_bonus"]) == ("10.00", "15.00")


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"starts_at": NOW - timedelta(seconds=1)}, terms.StartInPastError),
        ({"reason": " "}, audit.ReasonMissingError),
        ({"max_uses": 0}, ValidationError),
        ({"referee_bonus": Decimal("-1.00")}, ValidationError),
        ({"budget": Decimal("0.001")}, ValidationError),
    ],
)
def test_invalid_terms_are_refused(changes: dict[str, Any], refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        add(**changes)

    assert Program.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_terms_cannot_start_at_the_same_time() -> None:
    def attempt(n: int) -> str:
        try:
            return str(add(max_uses=n).max_uses)
        except terms.StartTakenError as refusal:
            return str(refusal)

    reviewer()
    outcomes = at_once(*(partial(attempt, n) for n in (1, 2, 3)))

    assert outcomes.count("other terms start at 2030-01-01 12:00") == 2
    assert Program.objects.count() == 2
