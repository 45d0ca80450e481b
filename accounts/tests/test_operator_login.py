"""Wrong log-ins are limited by name and address, and nobody can lock an operator out."""

import logging
from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.test import Client

from accounts import operator_login
from accounts.advisory_locks import LOCK
from accounts.models import User
from accounts.tests.factories import StaffFactory, with_password
from payments.tests.at_once import another_transaction, at_once

pytestmark = pytest.mark.usefixtures("clock")
PASSWORD = "correct horse"


@pytest.fixture(autouse=True)
def limit(settings: Any) -> None:
    settings.AXES_FAILURE_LIMIT = 3


def statuses(answers: list[Any]) -> list[int]:
    return [answer.status_code for answer in answers]


def log_in(name: str, password: str, **meta: Any) -> Any:
    return Client().post("/admin/login/", {"username": name, "password": password}, **meta)


def lock_out(**meta: Any) -> Any:
    return [log_in("olivia", "wrong", **meta) for _ in range(3)][-1]


@pytest.fixture
def olivia(db: None) -> User:
    """An operator, with a password."""
    return with_password(StaffFactory.create(username="olivia", is_superuser=True), PASSWORD)


def test_the_last_allowed_wrong_attempt_locks_out(olivia: User) -> None:
    answers = [log_in("olivia", "wrong") for _ in range(3)]

    assert statuses(answers) == [200, 200, 429]
    assert answers[-1]["Retry-After"] == "3600"
    assert "Wait 60\n" in answers[-1].content.decode()
    assert Client().get("/admin/login/").status_code == 200


def test_the_right_password_works_again_an_hour_after_the_last_allowed_attempt(
    olivia: User, clock: Any
) -> None:
    lock_out()
    before = AccessAttempt.objects.get()

    clock.shift(timedelta(minutes=30))
    refused = [lock_out()]
    clock.shift(timedelta(minutes=29))
    refused.append(log_in("olivia", PASSWORD))
    clock.shift(timedelta(minutes=1, seconds=1))
    kept = AccessAttempt.objects.get().post_data

    assert [(answer.status_code, answer["Retry-After"]) for answer in refused] == [
        *((429, "1800"), (429, "60"))
    ]
    assert (before.failures_since_start, "wrong" in before.post_data) == (3, False)
    assert kept == before.post_data
    assert log_in("olivia", PASSWORD).status_code == 302


def test_a_log_in_clears_the_wrong_attempts(olivia: User) -> None:
    passwords = ["wrong", "wrong", PASSWORD, "wrong", "wrong", PASSWORD]

    answers = [log_in("olivia", password) for password in passwords]

    assert statuses(answers) == [200, 200, 302, 200, 200, 302]


@pytest.mark.parametrize(
    "elsewhere", ["203.0.113.9", "2001:db8::1", ""], ids=["IPv4", "IPv6", "none"]
)
def test_another_address_cannot_lock_an_operator_out(olivia: User, elsewhere: str) -> None:
    assert lock_out(REMOTE_ADDR=elsewhere).status_code == 429

    assert log_in("olivia", PASSWORD).status_code == 302


@pytest.mark.parametrize(
    ("name", "key", "before", "now"),
    [
        *((name, "REMOTE_ADDR", "127.0.0.1", "127.0.0.1") for name in (" olivia ", "ｏlivia")),
        ("olivia", "REMOTE_ADDR", "2001:db8::1", "2001:db8::2"),
        ("olivia", "HTTP_X_FORWARDED_FOR", "192.0.2.1", "192.0.2.2"),
        ("olivia", "HTTP_USER_AGENT", "Browser 1", "Browser 2"),
    ],
)
def test_a_spelling_a_header_or_another_address_of_the_network_does_not_avoid_the_lock(
    olivia: User, name: str, key: str, before: str, now: str
) -> None:
    assert lock_out(**{key: before}).status_code == 429

    assert log_in(name, PASSWORD, **{key: now}).status_code == 429


@pytest.mark.parametrize("name", ["", "nul\0name", "x" * 5000, "olivia@example.com", "é" * 150])
def test_any_text_is_only_a_wrong_name(olivia: User, name: str) -> None:
    assert log_in(name, "wrong").status_code == 200


def test_the_log_contains_no_name_password_or_address(
    olivia: User, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        for _ in range(3):
            log_in("olivia@example.com", "hunter2", REMOTE_ADDR="203.0.113.9")

    text = caplog.text
    assert "Locking out" in text
    assert not [secret for secret in ("olivia", "hunter2", "203.0.113.9") if secret in text]


@pytest.mark.django_db(transaction=True)
def test_exactly_three_of_ten_wrong_attempts_at_once_are_checked(
    olivia: User, many_places: None
) -> None:
    answers = at_once(*[partial(log_in, "olivia", "wrong", REMOTE_ADDR="192.0.2.1")] * 10)

    assert Counter(statuses(answers)) == {200: 2, 429: 8}
    assert AccessAttempt.objects.get().failures_since_start == 3


@pytest.mark.django_db(transaction=True)
def test_attempts_of_another_name_do_not_wait(olivia: User, many_places: None) -> None:
    answers = at_once(*[partial(log_in, f"name{number}", "wrong") for number in range(8)])

    assert Counter(statuses(answers)) == {200: 8}


@pytest.mark.django_db(transaction=True)
def test_both_clicks_of_a_double_click_log_in(olivia: User) -> None:
    answers = at_once(*[partial(log_in, "olivia", PASSWORD)] * 2)

    assert statuses(answers) == [302, 302]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_an_attempt_does_not_wait_long_for_others(olivia: User, many_places: None) -> None:
    with another_transaction(LOCK, "log-in 127.0.0.1 olivia"):
        answers = at_once(*[partial(log_in, "olivia", PASSWORD)] * 3)

    assert statuses(answers) == [503, 503, 503]
    assert "Retry-After" in answers[0]
    assert log_in("olivia", PASSWORD).status_code == 302


def test_attempts_of_one_address_are_limited_whatever_names_they_use(
    olivia: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"log_in": (2, timedelta(minutes=1))}
    hashed: list[str] = []
    real = User.set_password

    def set_password(user: User, password: str) -> None:
        hashed.append(password)
        real(user, password)

    monkeypatch.setattr(User, "set_password", set_password)

    answers = [log_in(f"nobody{number}", "wrong") for number in range(4)]
    elsewhere = log_in("olivia", PASSWORD, REMOTE_ADDR="192.0.2.9")

    assert statuses(answers) == [200, 200, 429, 429]
    assert answers[-1]["Retry-After"] == "60"
    assert "from your address" in answers[-1].content.decode()
    # For a name that nobody has Django hashes all the same, so that the time tells nothing.
    assert hashed == ["wrong"] * 2
    assert AccessAttempt.objects.count() == 2
    assert elsewhere.status_code == 302


def test_an_attempt_without_a_place_is_refused_before_hashing(olivia: User) -> None:
    with operator_login.place(), operator_login.place():
        busy = log_in("olivia", "wrong")

    assert (busy.status_code, busy["Retry-After"]) == (429, "2")
    assert "busy with other log-ins" in busy.content.decode()
    assert not AccessAttempt.objects.exists()
    assert log_in("olivia", PASSWORD).status_code == 302
