"""The link in an e-mail switches its kind off, without a log-in, and by a POST alone."""

from urllib.parse import urlsplit

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


def test_neither_who_follows_links_nor_a_link_that_we_did_not_make_switches_anything_off(
    bob: Person, client: Client
) -> None:
    path = path_of(bob, EmailKind.WELCOME)
    forged = [
        path[:-1],
        path + "A",
        *(f"/emails/off/{it}" for it in ("x", "W10:1:abc", "%00", "ſ")),
    ]

    looked = client.get(path)

    assert '<form method="post">' in looked.content.decode()
    assert {client.post(each).status_code for each in forged} == {404}
    assert off(bob) == []
    client.post(path)
    assert off(bob) == list(EmailKind)  # by the link in the welcome


def test_the_e_mail_to_log_in_cannot_be_switched_off(bob: Person) -> None:
    emails.send("log_in", bob.user, {"link": "https://x.example/log-in", "button": "Log in"})

    [message] = mail.outbox
    assert "List-Unsubscribe" not in message.extra_headers
    assert "https://x.example/log-in" in message.body
