"""A limit lets exactly as many through as it says, in whatever process they are counted."""

import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import IPv4Address
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from accounts import limits
from accounts.models import LimitWindow
from payments.tests.at_once import at_once

NOW = datetime(2026, 3, 16, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def is_let_through(
    who: str = "alice", *, what: str = "knock", most: int = 3, at: float = 0
) -> bool:
    """Count one use `at` seconds after NOW, and return whether it is allowed."""
    now = NOW + timedelta(seconds=at)
    try:
        limits.count(action=what, caller=who, limit=most, period=HOUR, now=now)
    except limits.LimitReachedError:
        return False
    return True


def test_it_lets_as_many_through_as_the_limit_says(db: None) -> None:
    outcomes = [is_let_through() for _ in range(5)]

    assert outcomes == [True, True, True, False, False]


def test_it_counts_each_caller_and_each_deed_apart(db: None) -> None:
    outcomes = [
        is_let_through(who, what=what, most=1)
        for who, what in [("alice", "knock"), ("bob", "knock"), ("alice", "ring")]
    ]

    assert outcomes == [True, True, True]


def test_it_says_how_long_to_wait(db: None) -> None:
    is_let_through(most=1)
    now = NOW + timedelta(minutes=59)

    with pytest.raises(limits.LimitReachedError) as refusal:
        limits.count(action="knock", caller="alice", limit=1, period=HOUR, now=now)

    assert refusal.value.wait == timedelta(minutes=1)


def test_a_refusal_does_not_put_the_next_window_off(db: None) -> None:
    outcomes = [is_let_through(most=1, at=at) for at in (0, 3599, 3600)]

    assert outcomes == [True, False, True]


def test_a_clock_that_lags_behind_opens_no_window_of_its_own(db: None) -> None:
    outcomes = [is_let_through(most=1, at=at) for at in (0, -30)]

    assert outcomes == [True, False]


def test_it_costs_one_statement(
    db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        is_let_through()


def test_windows_that_are_over_are_swept_out_as_new_ones_open(db: None) -> None:
    for n in range(20):
        is_let_through(f"visitor {n}")

    for n in range(10):
        is_let_through(f"later {n}", at=3600)

    assert LimitWindow.objects.count() == 10


def test_a_window_that_is_not_over_is_not_swept_out(db: None) -> None:
    is_let_through("alice", most=1)

    is_let_through("bob", at=3599)

    assert not is_let_through("alice", most=1, at=3599)


def test_the_database_holds_no_address(db: None) -> None:
    is_let_through("192.0.2.1")

    [key] = LimitWindow.objects.values_list("key", flat=True)
    assert len(key) == 32
    assert IPv4Address("192.0.2.1").packed not in bytes(key)


def test_counting_waits_for_no_disk(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relpersistence FROM pg_class WHERE relname = 'limit_windows'")
        assert cursor.fetchone() == ("u",)


@pytest.mark.django_db(transaction=True)
def test_of_sixty_at_once_exactly_twenty_are_let_through() -> None:
    outcomes = at_once(*[partial(is_let_through, most=20)] * 60)

    assert Counter(outcomes) == {True: 20, False: 40}


@pytest.mark.django_db(transaction=True)
def test_of_sixty_at_once_in_a_window_that_is_over_exactly_twenty_are_let_through() -> None:
    for _ in range(30):
        is_let_through(most=20)

    outcomes = at_once(*[partial(is_let_through, most=20, at=3600)] * 60)

    assert Counter(outcomes) == {True: 20, False: 40}


@pytest.mark.django_db(transaction=True)
def test_many_who_come_back_at_once_do_not_block_each_other() -> None:
    people = [f"visitor {n}" for n in range(30)]
    for who in people:
        is_let_through(who, most=1)

    outcomes = at_once(*(partial(is_let_through, who, most=1, at=3600) for who in people * 2))

    assert Counter(outcomes) == {True: 30, False: 30}


# What a counter that reads and then writes comes to: those at once all read the same.
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
def test_a_counter_that_reads_and_then_writes_lets_more_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "_COUNT", READ_THEN_WRITE)

    outcomes = at_once(*[partial(is_let_through, most=5)] * 20)

    assert Counter(outcomes)[True] > 5


IN_ANOTHER_PROCESS = """
import django
django.setup()
from accounts.tests.test_limits import is_let_through
print("ready", flush=True)
input()
print(sum(is_let_through(most=20) for _ in range(30)))
"""


def start_another_process() -> subprocess.Popen[str]:
    database = urlsplit(os.environ["DATABASE_URL"])
    address = database._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    return subprocess.Popen(
        [sys.executable, "-c", IN_ANOTHER_PROCESS],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": address, "DJANGO_SETTINGS_MODULE": "gatewayz.settings"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.django_db(transaction=True)
def test_processes_share_one_limit() -> None:
    with start_another_process() as first, start_another_process() as second:
        for process in (first, second):
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in (first, second):
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        let_through = [int(process.communicate(timeout=30)[0]) for process in (first, second)]

    assert sum(let_through) == 20
