"""Nobody guesses an operator's password, and nobody can lock an operator out."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.models import User
from accounts.tests.factories import operator
from payments.tests.at_once import at_once

NOON = datetime(2026, 3, 16, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock() -> Any:
    """The clock moves only when a test says so."""
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


@pytest.fixture(autouse=True)
def quick_hashes(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def limit_log_ins(settings: Any, most: int) -> None:
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"login": (most, timedelta(minutes=1))}


def statuses(answers: list[Any]) -> list[int]:
    return [answer.status_code for answer in answers]


def log_in(name: str, password: str, **meta: Any) -> Any:
    return Client().post("/admin/login/", {"username": name, "password": password}, **meta)


@pytest.fixture
def olivia(db: None) -> User:
    """An operator, with a password."""
    operator()
    olivia = User.objects.get(username="olivia")
    olivia.set_password("correct horse")
    olivia.save()
    return olivia


def test_log_ins_of_one_name_from_one_address_are_limited(olivia: User, settings: Any) -> None:
    limit_log_ins(settings, 2)

    answers = [log_in("olivia", "wrong") for _ in range(3)]

    assert statuses(answers) == [200, 200, 429]
    assert answers[-1]["Retry-After"] == "60"
    assert "Wait 1 minute," in answers[-1].content.decode()


def test_the_right_password_waits_too(olivia: User, settings: Any, clock: Any) -> None:
    limit_log_ins(settings, 1)
    log_in("olivia", "wrong")

    answers = [log_in("olivia", "correct horse")]
    clock.shift(60)
    answers.append(log_in("olivia", "correct horse"))

    assert statuses(answers) == [429, 302]


def test_nobody_can_lock_an_operator_out_from_elsewhere(olivia: User, settings: Any) -> None:
    limit_log_ins(settings, 1)
    for _ in range(3):
        log_in("olivia", "wrong", REMOTE_ADDR="203.0.113.9")

    assert log_in("olivia", "correct horse").status_code == 302


@pytest.mark.parametrize("spelling", [" olivia ", "ｏlivia"])
def test_another_spelling_of_a_name_is_the_same_name(
    olivia: User, settings: Any, spelling: str
) -> None:
    limit_log_ins(settings, 1)
    log_in("olivia", "wrong")

    assert log_in(spelling, "correct horse").status_code == 429


def test_the_log_in_page_itself_is_not_limited(olivia: User, settings: Any) -> None:
    limit_log_ins(settings, 1)

    answers = [Client().get("/admin/login/") for _ in range(3)]

    assert statuses(answers) == [200, 200, 200]


@pytest.mark.django_db(transaction=True)
def test_of_ten_log_ins_at_once_exactly_four_are_looked_at(olivia: User, settings: Any) -> None:
    limit_log_ins(settings, 4)

    answers = at_once(*[partial(log_in, "nobody", "wrong", REMOTE_ADDR="192.0.2.1")] * 10)

    assert Counter(statuses(answers)) == {200: 4, 429: 6}
