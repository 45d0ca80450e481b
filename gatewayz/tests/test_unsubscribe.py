"""The link in an e-mail switches its kind off, without a log-in, and by a POST alone."""

from urllib.parse import urlsplit

import pytest
from django.core import mail
from django.test import Client

from accounts import emails, people
from accounts.preferences import EmailKind
from accounts.tests.factories import Person


def path_of(person: Person, kind: EmailKind) -> str:
    return urlsplit(emails.unsubscribe_link(person.user, kind)).path


def off(person: Person) -> list[str]:
    return [kind for kind, is_on in people.preferences(person.user)["emails"].items() if not is_on]


def test_the_header_is_the_link_and_one_click_switches_the_kind_off(bob: Person) -> None:
    emails.send("adjustment", bob.user, {}, kind=EmailKind.ADJUSTMENT)
    [message] = mail.outbox
    link = message.extra_headers["List-Unsubscribe"].strip("<>")

    response = Client(enforce_csrf_checks=True).post(
        urlsplit(link).path, {"List-Unsubscribe": "One-Click"}
    )

    assert message.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert link in message.body
    assert [link in str(part.get_payload(decode=True)) for part in message.message().walk()] == [
        *(False, True, True)
    ]
    assert response.status_code == 200
    assert off(bob) == ["adjustment"]


def test_a_program_that_follows_links_switches_nothing_off(bob: Person, client: Client) -> None:
    response = client.get(path_of(bob, EmailKind.BONUS_EARNED))

    assert '<form method="post">' in response.content.decode()
    assert off(bob) == []


def test_the_link_in_the_welcome_switches_all_off(bob: Person, client: Client) -> None:
    client.post(path_of(bob, EmailKind.WELCOME))

    assert off(bob) == list(EmailKind)


@pytest.mark.parametrize("token", ["x", "W10:1:abc", "%00", "ſ"])
def test_a_link_that_we_did_not_make_is_not_found(bob: Person, client: Client, token: str) -> None:
    path = path_of(bob, EmailKind.WELCOME)

    for forged in (f"/emails/off/{token}", path[:-1], path + "A"):
        assert client.post(forged).status_code == 404
    assert off(bob) == []


def test_the_e_mail_to_log_in_cannot_be_switched_off(bob: Person) -> None:
    emails.send("log_in", bob.user, {"link": "https://x.example/log-in", "button": "Log in"})

    [message] = mail.outbox
    assert "List-Unsubscribe" not in message.extra_headers
    assert "https://x.example/log-in" in message.body
