"""Log-in by a one-time link: who gets one, what it opens, and what nobody can learn from it."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts import log_in_links
from accounts.models import User
from accounts.tests.factories import Person
from gatewayz.site.tasks import send_log_in_link
from payments.tests.at_once import at_once

HERE = "http://testserver/login/link"


def ask(browser: Client, email: str) -> Any:
    return browser.post("/login", {"email": email})


def jobs() -> list[dict[str, Any]]:
    rows = ProcrastinateJob.objects.filter(task_name="send_log_in_link").order_by("id")
    return [row.args for row in rows]


def link_in(mail: EmailMultiAlternatives) -> str:
    [link] = set(re.findall(r"/login/link\?token=[\w-]+", str(mail.body)))
    return str(link)


def is_logged_in(browser: Client) -> bool:
    return bool(browser.get("/dashboard").status_code == 200)


def follow(browser: Client, token: str) -> Any:
    return browser.post("/login/link", {"token": token})


def test_a_person_gets_a_link_that_logs_in(
    client: Client, alice: Person, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    ask(client, "Alice@example.com")
    for args in jobs():
        send_log_in_link(**args)

    [mail] = mailoutbox
    link = link_in(mail)
    page = client.get(link)
    assert mail.to == ["alice@example.com"]
    assert f'href="http://testserver{link}"' in str(mail.alternatives[0][0])
    assert "Log in as <bdi>alice</bdi>" in page.content.decode()
    assert not is_logged_in(client)

    follow(client, page.context["token"])
    assert is_logged_in(client)


def test_nobody_learns_who_has_an_account(client: Client, alice: Person) -> None:
    known, unknown = ask(client, "alice@example.com"), ask(client, "nobody@example.com")

    assert known["Location"] == unknown["Location"] == "/login/sent"
    assert known.content == unknown.content
    # A job each, so that the time does not tell either.
    assert jobs() == [{"user_id": alice.user.pk, "page": HERE}, {"user_id": None, "page": HERE}]


def test_nobody_gets_no_mail(alice: Person, mailoutbox: list[EmailMultiAlternatives]) -> None:
    User.objects.update(is_active=False)

    for user_id in (None, alice.user.pk, 123456789):
        send_log_in_link(user_id=user_id, page=HERE)

    assert mailoutbox == []


def test_a_link_works_once_and_ends_all_others(client: Client, alice: Person) -> None:
    other, token = (log_in_links.create_token(alice.user) for _ in range(2))
    follow(client, token)

    again = follow(Client(), token)

    assert (again.status_code, follow(Client(), other).status_code) == (410, 410)
    assert "This link no longer works" in again.content.decode()
    assert 'action="/login"' in again.content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_link_that_is_used_at_once_works_once(alice: Person) -> None:
    token = log_in_links.create_token(alice.user)

    answers = at_once(*[lambda: follow(Client(), token).status_code] * 5)

    assert sorted(answers) == [302, 410, 410, 410, 410]


@pytest.mark.parametrize(
    ("minutes", "change"),
    [
        (timedelta(minutes=15, seconds=1), {}),
        (timedelta(), {"email": "new@example.com"}),
        (timedelta(), {"is_active": False}),
    ],
)
def test_a_link_ends_in_time_and_when_the_address_changes_or_the_person_is_deactivated(
    client: Client, alice: Person, minutes: timedelta, change: dict[str, Any]
) -> None:
    token = log_in_links.create_token(alice.user)

    User.objects.update(**{"username": "alice", **change})

    with time_machine.travel(timezone.now() + minutes):
        assert follow(client, token).status_code == 410


def test_what_is_no_token_logs_nobody_in(client: Client, alice: Person) -> None:
    for token in ("", "x", "\0", "é", "AAAA" * 500):
        assert client.get("/login/link", {"token": token}).status_code == 410, token
        assert follow(client, token).status_code == 410, token


def test_a_look_at_the_link_uses_nothing_up_and_leaks_it_by_no_referer_and_no_cache(
    client: Client, alice: Person
) -> None:
    token = log_in_links.create_token(alice.user)

    for _ in range(3):
        page = Client().get("/login/link", {"token": token})

    assert page["Referrer-Policy"] == "strict-origin"
    assert "no-store" in page["Cache-Control"]
    assert follow(client, token).status_code == 302


# The last has a letter that PostgreSQL takes for an i.
@pytest.mark.parametrize(
    "third", ["ALICE@example.com", "alice+1@example.com", "al\u0130ce@example.com"]
)
def test_a_mailbox_gets_so_many_links_and_nobody_learns_of_it(
    client: Client, alice: Person, settings: Any, third: str
) -> None:
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"log_in_link": (2, timedelta(hours=1))}

    answers = [ask(client, email) for email in ["alice@example.com"] * 2 + [third]]

    assert {answer["Location"] for answer in answers} == {"/login/sent"}
    assert len(jobs()) == 2


def test_an_address_asks_so_often_and_what_is_none_is_said(
    client: Client, db: None, settings: Any
) -> None:
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"log_in": (1, timedelta(minutes=1))}
    wrong = ask(client, "alice")
    ask(client, "a@example.com")

    response = ask(client, "b@example.com")

    assert "Enter a valid email address" in wrong.content.decode()
    assert response.status_code == 429
    assert "Try again in 1 minute" in response.content.decode()
    assert len(jobs()) == 1


def test_a_form_without_its_cookie_is_refused_by_a_page_that_says_why(db: None) -> None:
    response = Client(enforce_csrf_checks=True).post("/login", {"email": "a@example.com"})

    assert response.status_code == 403
    assert "Allow cookies" in response.content.decode()
