"""A status has one colour on all pages, and a change is told in one way."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db.models import TextChoices
from django.utils.formats import date_format
from django.utils.html import strip_tags

from accounts.api_keys import State as KeyState
from accounts.models import Adjustment
from gatewayz import cells, statuses
from payments.friends import State as FriendState
from payments.models import Clawback, Payment
from referrals.models import Referral


@pytest.mark.parametrize(
    ("colours", "known"),
    [
        (statuses.ADJUSTMENTS, Adjustment.Status),
        (statuses.CLAWBACKS, Clawback.Status),
        (statuses.PAYMENTS, Payment.Status),
        (statuses.REFERRALS, Referral.Status),
        (statuses.FRIENDS, FriendState),
        (statuses.KEYS, KeyState),
    ],
)
def test_every_status_has_a_colour(colours: Mapping[str, str], known: type[TextChoices]) -> None:
    assert set(colours) == {status.value for status in known}


@pytest.mark.parametrize(
    ("before", "after", "told"),
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
    before: dict[str, Any], after: dict[str, Any], told: str
) -> None:
    shown = strip_tags(cells.change(before, after))

    assert shown.replace("&#x27;", "'") == told


def test_a_moment_is_written_as_the_templates_write_it() -> None:
    at = datetime(2026, 11, 2, 7, 5, tzinfo=UTC)

    assert cells.moment(at) == date_format(at, "DATETIME_FORMAT") == "2 Nov 2026, 07:05"
