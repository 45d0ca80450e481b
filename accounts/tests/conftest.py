"""Fixtures of the accounts tests: a superuser's browser, a clock that stands still, seals."""

from collections.abc import Iterator
from datetime import UTC, datetime
from threading import BoundedSemaphore
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts import ledger_seals, operator_login
from accounts.tests.factories import Person, operator
from payments.tests.stripe_events import settle


@pytest.fixture
def office(db: None) -> Client:
    return operator()


@pytest.fixture
def clock() -> Iterator[Any]:
    """Stop the clock at noon; a test moves it with `shift`."""
    with time_machine.travel(datetime(2026, 3, 16, 12, tzinfo=UTC), tick=False) as clock:
        yield clock


@pytest.fixture
def many_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ten attempts to log in run at once, as five processes do."""
    monkeypatch.setattr(operator_login, "_places", BoundedSemaphore(10))


@pytest.fixture
def sealed(bob: Person, monkeypatch: pytest.MonkeyPatch) -> Person:
    """Bob bought, with both bonuses, and again; in seals of two entries, and of one."""
    monkeypatch.setattr(ledger_seals, "MAX_BATCH", 2)
    settle(bob.user)
    assert ledger_seals.seal_new_entries(now=timezone.now()) == 3
    settle(bob.user)
    assert ledger_seals.seal_new_entries(now=timezone.now()) == 1
    return bob
