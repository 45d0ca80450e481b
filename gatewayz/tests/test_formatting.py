"""A status has one colour on all pages, and a change is told in one way."""

from datetime import UTC, datetime
from enum import Enum
from typing import Any

import pytest
from django.utils.formats import date_format
from django.utils.html import strip_tags

from accounts.admin.audit_formatting import change
from accounts.api_keys import State as KeyState
from accounts.models import Adjustment
from gatewayz.adminbase import formatting, status_badges
from payments.explanations.referees import State as RefereeState
from payments.models import Clawback, Payment
from referrals.models import Referral


@pytest.mark.parametrize(
    "statuses",
    [Adjustment.Status, Clawback.Status, Payment.Status, Referral.Status, RefereeState, KeyState],
)
def test_every_status_has_a_colour(statuses: type[Enum]) -> None:
    assert {status.value for status in statuses} <= status_badges.COLOURS.keys()


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"is_active": True}, {"is_active": False}, "active: yes → no"),
        ({}, {"amount": "5.00", "reverses": None}, "amount: – → $5.00"),
        (
            {"groups": ["Support"], "name": "a"},
            {"groups": [], "name": "a"},
            "groups: Support → –",
        ),
        ({"name": "<b>"}, {"name": ""}, "name: &lt;b&gt; → –"),
        ({}, {}, "–"),
    ],
)
def test_a_change_says_what_was_and_what_became(
    before: dict[str, Any], after: dict[str, Any], expected: str
) -> None:
    shown = strip_tags(change(before, after))

    assert shown.replace("&#x27;", "'") == expected


def test_a_moment_is_written_as_the_templates_write_it() -> None:
    at = datetime(2026, 11, 2, 7, 5, tzinfo=UTC)

    assert formatting.moment(at) == date_format(at, "DATETIME_FORMAT") == "2 Nov 2026, 07:05"
    assert date_format(at) == "2 Nov 2026"
