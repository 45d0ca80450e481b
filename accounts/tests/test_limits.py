"""A limit allows exactly its number of uses, across threads and processes."""

import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import IPv4Address

import pytest
from django.conf import settings
from django.db import connection

from accounts import limits
from accounts.models import LimitWindow
from payments.tests.at_once import at_once
from payments.tests.real_server import database_url

NOW = datetime(2026, 3, 16, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def is_allowed(
    caller: str = "alice", *, action: str = "knock", limit: int = 3, at: float = 0
) -> bool:
    """Count one use `at` seconds after NOW, and return whether it is allowed."""
    now = NOW + timedelta(seconds=at)
    try:
        limits.count(action=action, caller=caller, limit=limit, period=HOUR, now=now)
    except limits.LimitReachedError:
        return False
    return True


def test_it_allows_as_many_uses_as_the_limit_to_each_caller_and_action(db: None) -> None:
    others = [("bob", "knock"), ("alice", "ring")]

    assert [is_allowed() for _ in range(5)] == [True, True, True, False, False]
    assert [is_allowed(caller, action=action) for caller, action in others] == [True, True]


@pytest.mark.parametrize(
    ("seconds", "outcomes"),
    [((0, 3599, 3600), [True, False, True]), ((0, -30), [True, False])],
    ids=["a refused use does not extend it", "an earlier clock"],
)
def test_a_window_ends_an_hour_after_it_began(
    db: None, seconds: tuple[int, ...], outcomes: list[bool]
) -> None:
    assert [is_allowed(limit=1, at=at) for at in seconds] == outcomes


def test_new_windows_delete_ended_ones_and_no_others(db: None) -> None:
    for n in range(20):
        is_allowed(f"visitor {n}")
    is_allowed("alice", limit=1, at=1)

    for n in range(10):
        is_allowed(f"later {n}", at=3600)

    assert LimitWindow.objects.count() == 11
    assert not is_allowed("alice", limit=1, at=3600)


def test_the_database_holds_no_address(db: None) -> None:
    is_allowed("192.0.2.1")

    [key] = LimitWindow.objects.values_list("key", flat=True)
    assert len(key) == 32
    assert IPv4Address("192.0.2.1").packed not in bytes(key)


def test_the_table_is_unlogged(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relpersistence FROM pg_class WHERE relname = 'limit_windows'")
        assert cursor.fetchone() == ("u",)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("earlier", [0, 30], ids=["new window", "after an ended window"])
def test_exactly_twenty_of_sixty_uses_at_once_are_allowed(earlier: int) -> None:
    for _ in range(earlier):
        is_allowed(limit=20)

    outcomes = at_once(*[partial(is_allowed, limit=20, at=3600)] * 60)

    assert Counter(outcomes) == {True: 20, False: 40}


@pytest.mark.django_db(transaction=True)
def test_callers_who_return_at_once_do_not_deadlock() -> None:
    callers = [f"visitor {n}" for n in range(30)]
    for caller in callers:
        is_allowed(caller, limit=1)

    outcomes = at_once(*(partial(is_allowed, caller, limit=1, at=3600) for caller in callers * 2))

    assert Counter(outcomes) == {True: 30, False: 30}


# A counter that reads and then writes: calls at once all read the same number.
READ_THEN_WRITE = """
WITH seen AS (
    SELECT (SELECT uses FROM limit_windows WHERE key = %(key)s) AS uses, pg_sleep(0.05)
)
INSERT INTO limit_windows SELECT %(key)s, coalesce(seen.uses, 0) + 1, %(ends_at)s FROM seen
ON CONFLICT (key) DO UPDATE SET uses = excluded.uses
RETURNING uses, ends_at
"""


@pytest.mark.negative_control
@pytest.mark.django_db(transaction=True)
def test_a_counter_that_reads_and_then_writes_allows_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "_COUNT", READ_THEN_WRITE)

    outcomes = at_once(*[partial(is_allowed, limit=5)] * 20)

    assert Counter(outcomes)[True] > 5


IN_ANOTHER_PROCESS = """
import django
django.setup()
from accounts.tests.test_limits import is_allowed
print(sum(is_allowed(limit=20) for _ in range(15)))
"""


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_processes_share_one_limit() -> None:
    settings_of_it = {
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "gatewayz.settings",
    }

    allowed = [
        subprocess.check_output(
            [sys.executable, "-c", IN_ANOTHER_PROCESS],
            cwd=settings.BASE_DIR,
            env=os.environ | settings_of_it,
            text=True,
            timeout=60,
        )
        for _ in range(2)
    ]

    assert [int(number) for number in allowed] == [15, 5]
