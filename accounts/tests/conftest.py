"""Fixtures of the accounts tests: the browser of a superuser, and a clock that stands still."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.tests.factories import operator


@pytest.fixture
def office(db: None) -> Client:
    return operator()


@pytest.fixture
def clock() -> Iterator[Any]:
    """Stop the clock at noon; a test moves it with `shift`."""
    with time_machine.travel(datetime(2026, 3, 16, 12, tzinfo=UTC), tick=False) as clock:
        yield clock
