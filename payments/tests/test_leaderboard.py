"""`manage.py leaderboard` prints the same numbers as a table, as CSV and as JSON."""

import csv
import io
import json
from dataclasses import fields
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.tests.factories import Person
from payments.reports.leaderboard import Leader
from payments.tests.stripe_events import refer, settle
from payments.tests.test_commands import Run


def output_of(*arguments: str) -> str:
    return Run("leaderboard", *arguments).printed


@pytest.fixture
def ranked(alice: Person, charlie: Person) -> tuple[str, str]:
    """Charlie referred two, Alice one, and that was 40 days ago."""
    refer(charlie, 2)
    with time_machine.travel(timezone.now() - timedelta(days=40)):
        refer(alice, 1)
    return charlie.code, alice.code


def test_the_table_lines_up_and_ends_with_a_count(ranked: tuple[str, str]) -> None:
    lines = output_of().splitlines()

    assert lines == [
        "rank  username  referral_code  referrals  earned  revenue"
        "  signups  qualified  conversion  uses_left",
        f"1     charlie   {ranked[0]}       2          20.00   20.00  "
        "  2        2          100.0       8",
        f"2     alice     {ranked[1]}       1          10.00   10.00  "
        "  1        1          100.0       9",
        "2 referrers.",
    ]


def test_csv_and_json_hold_the_same_and_days_and_limit_shorten_it(ranked: tuple[str, str]) -> None:
    first, second = json.loads(output_of("--format", "json"))
    rows = list(csv.DictReader(io.StringIO(output_of("--format", "csv"))))

    assert first == {
        "rank": 1,
        "username": "charlie",
        "referral_code": ranked[0],
        "referrals": 2,
        "earned": 20.0,
        "revenue": 20.0,
        "signups": 2,
        "qualified": 2,
        "conversion": 100.0,
        "uses_left": 8,
    }
    assert [(row["username"], float(row["earned"])) for row in rows] == [
        (row["username"], row["earned"]) for row in (first, second)
    ]
    for arguments in (("--days", "30"), ("--limit", "1")):
        assert json.loads(output_of(*arguments, "--format", "json")) == [first], arguments


def test_by_ranks_by_something_else(ranked: tuple[str, str], bob: Person) -> None:
    settle(bob.user, 5000)

    rows = json.loads(output_of("--by", "revenue", "--format", "json"))

    assert [(row["username"], row["revenue"]) for row in rows] == [
        ("alice", 60.0),
        ("charlie", 20.0),
    ]


COLUMNS = [field.name for field in fields(Leader)]


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("csv", ",".join(COLUMNS) + "\n"),
        ("json", "[]\n"),
        ("table", "  ".join(COLUMNS) + "\n0 referrers.\n"),
    ],
)
def test_it_says_so_when_there_is_nobody(db: None, form: str, expected: str) -> None:
    assert output_of("--format", form) == expected


@pytest.mark.parametrize(
    "arguments",
    [
        ("--days", "0"),
        ("--days", "-1"),
        ("--days", "1.5"),
        ("--days", "100001"),
        ("--days", "9" * 5000),
        ("--limit", "0"),
        ("--limit", "many"),
        ("--limit", ""),
        ("--format", "xml"),
        ("--by", "luck"),
    ],
)
def test_it_refuses_invalid_arguments(db: None, arguments: tuple[str, str]) -> None:
    assert arguments[0] in Run("leaderboard", *arguments).refusal
