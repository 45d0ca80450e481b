"""Each thing that happened brings one e-mail to each side, whatever the mail server does."""

import smtplib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.utils import timezone

from accounts import people
from accounts.emails import EmailNotSentError
from accounts.models import Email, User
from accounts.tests.factories import Person, give, register
from payments import email_causes, retention, tasks
from payments.models import Payment
from payments.tests.at_once import at_once
from payments.tests.stripe_events import refer, report, settle
from referrals.models import Referral


@pytest.fixture(autouse=True)
def news(alice: Person, bob: Person) -> None:
    """Nothing that happened until now is told."""
    email_causes.skip_all()


def send() -> list[tuple[str, str]]:
    """Run the job, and return the recipient's name and the subject of what it sent."""
    before = len(mail.outbox)
    tasks.send_emails.func(0)
    return [
        (message.to[0].partition("@")[0], str(message.subject)) for message in mail.outbox[before:]
    ]


def later(monkeypatch: pytest.MonkeyPatch, **by: float) -> None:
    now = timezone.now() + timedelta(**by)
    monkeypatch.setattr(timezone, "now", lambda: now)


class Broken(EmailBackend):
    """A mail server that fails as `error` says, for those whose name begins so."""

    error: Exception | None = None
    begins = ""

    def send_messages(self, messages: Any) -> int:
        [address] = messages[0].to
        if Broken.error and address.startswith(Broken.begins):
            raise Broken.error
        sent: int = super().send_messages(messages)
        return sent


@pytest.fixture
def broken(settings: Any) -> Iterator[type[Broken]]:
    settings.EMAIL_BACKEND = f"{__name__}.Broken"
    Broken.error, Broken.begins = smtplib.SMTPServerDisconnected("gone"), ""
    yield Broken
    Broken.error = None


def test_a_mailbox_is_welcomed_once_and_the_referrer_is_told(alice: Person) -> None:
    for name in ("carol", "carol+1", "carol+2"):
        carol = register(name, code=alice.code if name == "carol" else None)

    assert sorted(send()) == [
        ("alice", "carol signed up with your code"),
        ("carol", "Welcome to Gatewayz"),
    ]
    assert send() == []
    for _ in range(2):
        carol.api.post("/referral/claim", {"referral_code": alice.code}, format="json")
    assert [who for who, _ in send()] == ["alice"]


def test_both_sides_read_of_their_bonus_once(alice: Person, bob: Person) -> None:
    payment = settle(bob.user)

    assert sorted(send()) == [
        ("alice", "You earned a bonus of $10.00"),
        ("bob", "You earned a bonus of $10.00"),
    ]
    [to_alice] = [message for message in mail.outbox if message.to == [alice.user.email]]
    assert "Your friend bob made a first purchase. We credited a bonus of $10.00" in to_alice.body
    report(payment, "refund 500")
    assert sorted(send()) == [
        ("alice", "A bonus of $10.00 was taken back"),
        ("bob", "A bonus of $10.00 was taken back"),
    ]
    report(payment, "refund 500 failed")
    assert len(send()) == 2


def test_a_bonus_that_is_held_is_told_and_so_is_an_adjustment(alice: Person) -> None:
    User.objects.filter(pk=alice.user.pk).update(mailbox="shared@example.com")
    carol = register("carol", code=alice.code)
    User.objects.filter(pk=carol.user.pk).update(email="alice+1@example.com")
    email_causes.skip_all()
    settle(carol.user)
    give(carol, "5.00")

    assert Referral.objects.get().status == "held"
    assert sorted(send()) == [
        ("alice", "Your bonus is under review"),
        ("alice+1", "Your balance was changed by $5.00"),
        ("alice+1", "Your bonus is under review"),
    ]


@pytest.mark.parametrize(
    ("choice", "said"), [("initials", "Your friend B."), ("hidden", "A friend whom you invited")]
)
def test_an_e_mail_names_a_friend_as_they_allow(
    alice: Person, bob: Person, choice: str, said: str
) -> None:
    people.update_preferences(bob.user, show_to_referrer=choice)
    settle(bob.user)
    send()

    [to_alice] = [message for message in mail.outbox if message.to == [alice.user.email]]
    whole = str(to_alice.message())
    assert said in to_alice.body
    assert "bob" not in whole.lower()


def test_a_name_is_text_and_no_link(alice: Person) -> None:
    register("www.evil.com", code=alice.code)
    send()

    [told] = [message for message in mail.outbox if message.to == [alice.user.email]]
    parts = [str(part.get_payload(decode=True)) for part in told.message().walk()]
    assert "evil.com" not in str([told.subject, told.body, *parts])


@pytest.mark.parametrize(
    "change",
    [
        {"is_active": False},
        {"is_staff": True},
        {"email": "erased"},
        {"emails_off": ["bonus_earned"]},
    ],
    ids=str,
)
def test_some_get_nothing_as_they_are_when_it_would_be_sent(
    bob: Person, change: dict[str, Any]
) -> None:
    settle(bob.user)
    email_causes.queue_new(now=timezone.now())
    User.objects.filter(pk=bob.user.pk).update(**change)

    assert [name for name, _ in send()] == ["alice"]
    assert bob.user.emails.get().outcome == (
        Email.Outcome.SWITCHED_OFF if "emails_off" in change else Email.Outcome.NO_RECIPIENT
    )


def test_old_news_is_never_sent(
    bob: Person, broken: type[Broken], monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(bob.user)
    with pytest.raises(EmailNotSentError):
        send()
    register("carol")
    later(monkeypatch, days=3, minutes=1)
    broken.error = None

    assert send() == []
    assert not Email.objects.filter(outcome=Email.Outcome.WAITING).exists()


def test_a_server_that_is_down_costs_no_e_mail_and_no_money(
    bob: Person, broken: type[Broken], monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = smtplib.SMTPAuthenticationError(535, b"bob@example.com secret")
    for error in (OSError(111, "bob@example.com"), refused, broken.error):
        broken.error = error
        settle(register(f"x{id(error)}").user)
        with pytest.raises(EmailNotSentError) as raised:
            send()
        assert "example" not in str(raised.value)
        assert "secret" not in str(raised.value)
    assert settle(bob.user).status == Payment.Status.PAID
    broken.error = None

    later(monkeypatch, minutes=10)
    assert len(send()) == 5
    assert send() == []


def test_an_address_that_the_server_or_a_header_refuses_keeps_nobody_waiting(
    bob: Person, broken: type[Broken]
) -> None:
    broken.error = smtplib.SMTPRecipientsRefused({"x@example.com": (550, b"no such user")})
    payment = settle(bob.user)
    refused = send(), set(Email.objects.values_list("outcome", flat=True))
    broken.error = None
    User.objects.filter(pk=bob.user.pk).update(email="bob@example.com\nBcc: eve@example.com")
    report(payment, "refund 500")

    assert refused == ([], {Email.Outcome.REFUSED})
    assert [who for who, _ in send()] == ["alice"]
    assert bob.user.emails.latest("pk").outcome == Email.Outcome.REFUSED


def test_without_a_mail_server_they_wait_and_are_purged(bob: Person, settings: Any) -> None:
    settings.EMAILS_ARE_SENT = False
    settle(bob.user)

    assert send() == []
    assert Email.objects.filter(outcome=Email.Outcome.WAITING).count() == 2
    retention.purge(now=timezone.now() + timedelta(days=91))
    assert not Email.objects.exists()


def test_addresses_that_are_made_up_keep_no_e_mail_of_others(broken: type[Broken]) -> None:
    unknown = (450, b"Domain not found")
    broken.error, broken.begins = smtplib.SMTPRecipientsRefused({"x@example.com": unknown}), "x"
    for name in ("x1", "x2", "x3", "x4", "carol"):
        register(name)

    with pytest.raises(EmailNotSentError, match="450"):
        send()

    assert [str(message.to[0]) for message in mail.outbox] == ["carol@example.com"]


def test_a_crash_after_sending_sends_the_same_message_again(
    bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(bob.user)
    with monkeypatch.context() as crash:
        crash.setattr(Email, "save", _crash_at_the_mark(Email.save))
        with pytest.raises(KeyboardInterrupt):
            send()

    later(monkeypatch, minutes=2)
    send()

    ids = [message.extra_headers["Message-ID"] for message in mail.outbox]
    assert (len(ids), len(set(ids))) == (3, 2)


def _crash_at_the_mark(save: Any) -> Any:
    def crashing(self: Email, **options: Any) -> None:
        if self.outcome == Email.Outcome.SENT:
            raise KeyboardInterrupt
        save(self, **options)

    return crashing


@pytest.mark.django_db(transaction=True)
def test_several_workers_send_each_once(alice: Person) -> None:
    refer(alice, 4)

    at_once(*[lambda: tasks.send_emails.func(0)] * 4)

    told = [(message.to[0], message.extra_headers["Message-ID"]) for message in mail.outbox]
    assert len(told) == len(set(told)) == Email.objects.count() == 16
