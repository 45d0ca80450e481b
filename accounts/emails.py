"""Writes and sends one e-mail, and switches a kind off by the link in it (RFC 8058)."""

from collections.abc import Mapping
from datetime import datetime
from smtplib import SMTPException, SMTPRecipientsRefused
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import signing
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.template import Context
from django.template.loader import get_template
from django.utils.crypto import salted_hmac

from accounts import people
from accounts.errors import AccountError
from accounts.models import Email, User
from accounts.preferences import EmailKind

_SWITCHES_OFF = "accounts.emails.off"
_MAX_NAME_LENGTH = 40
# Codes of SMTP: 421 ends the connection; from 500 on to try again is useless.
_CLOSING, _PERMANENT = 421, 500


class EmailNotSentError(AccountError):
    """The mail server did not take the e-mail, or there is none; the message has no address."""


class AddressRefusedError(EmailNotSentError):
    """No mail server takes this address, now or later."""


class AddressDeferredError(EmailNotSentError):
    """The mail server does not take this address now; it may take others."""


def send(
    template: str,
    user: User,
    context: Mapping[str, Any],
    *,
    kind: EmailKind | None = None,
    message_id: str = "",
    connection: BaseEmailBackend | None = None,
) -> None:
    """Send `templates/email/<template>.txt` to `user`, as text and HTML.

    The first line is the subject. `context` may have `link` and `button`, its text. `kind` is the
    preference that switches it off; None, as for a log-in, cannot be. Call it outside of a
    transaction, in a job. `connection` is left open, and closed by the caller. Raises
    EmailNotSentError.
    """
    if not settings.EMAILS_ARE_SENT:
        raise EmailNotSentError("EMAIL_URL is not set")
    message = _compose(template, user, context, kind=kind, message_id=message_id)
    message.connection = connection
    try:
        if connection:
            connection.open()  # and leave it open: the next e-mail goes the same way
        message.send()
    except SMTPRecipientsRefused as error:
        reply = min(code for code, _ in error.recipients.values())
        raise _refusal(reply)(f"the mail server refused the address: {reply}") from None
    except ValueError as error:
        # No header can hold the address.
        raise AddressRefusedError(f"no valid address: {type(error).__name__}") from None
    except (SMTPException, OSError) as error:
        # The text of the original may hold the address.
        code = getattr(error, "smtp_code", "") or getattr(error, "errno", "")
        raise EmailNotSentError(f"{type(error).__name__} {code}".strip()) from None


def _compose(
    template: str,
    user: User,
    context: Mapping[str, Any],
    *,
    kind: EmailKind | None,
    message_id: str,
) -> EmailMultiAlternatives:
    off = unsubscribe_link(user, kind) if kind else ""
    subject, paragraphs = _written(template, context)
    whole = {"subject": subject, "paragraphs": paragraphs, "off": off} | dict(context)
    headers = {"Auto-Submitted": "auto-generated"}
    if message_id:
        headers["Message-ID"] = f"<{message_id}@{urlsplit(settings.FRONTEND_URL).hostname}>"
    if off:
        headers["List-Unsubscribe"] = f"<{off}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message = EmailMultiAlternatives(
        subject, _text("base", whole), to=[user.email], headers=headers
    )
    message.attach_alternative(get_template("email/base.html").render(whole), "text/html")
    return message


def _refusal(code: int) -> type[EmailNotSentError]:
    """Return what it means that the mail server answers a recipient with this code."""
    if code == _CLOSING:
        return EmailNotSentError
    return AddressRefusedError if code >= _PERMANENT else AddressDeferredError


def enqueue(template: Email.Template, user: User, *, cause_id: int, now: datetime) -> None:
    """Queue an e-mail in the transaction that caused it, once for each cause.

    Most causes need no call: `payments.email_causes` finds them.
    """
    Email.objects.bulk_create(
        [Email(template=template, user=user, cause_id=cause_id, caused_at=now, due_at=now)],
        ignore_conflicts=True,
    )


def _written(template: str, context: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return the subject and the paragraphs."""
    subject, _, rest = _text(template, context).strip().partition("\n")
    paragraphs = (" ".join(part.split()) for part in rest.split("\n\n"))
    return subject, [part for part in paragraphs if part]


def _text(template: str, context: Mapping[str, Any]) -> str:
    """Return it as text: only the HTML is escaped."""
    compiled: Any = get_template(f"email/{template}.txt")
    text: str = compiled.template.render(Context(dict(context), autoescape=False))
    return text


def as_text(name: str) -> str:
    """Return a user name as an e-mail may show it: no mail program makes a link of `evil.com`."""
    return name[:_MAX_NAME_LENGTH].replace(".", ".\u2060").replace("@", "\u2060@\u2060")


def message_id(*parts: object) -> str:
    """Return the left side of a Message-ID: the same for the same cause, so that a mail program
    shows an e-mail once that was sent twice."""
    text = "-".join(map(str, parts))
    return f"{text}-{salted_hmac('accounts.emails.id', text).hexdigest()[:16]}"


def unsubscribe_link(user: User, kind: EmailKind) -> str:
    """Return the address that switches this kind off; it works without a log-in, and for ever."""
    token = signing.dumps([user.pk, kind.value], salt=_SWITCHES_OFF)
    return f"{settings.FRONTEND_URL}/emails/off/{token}"


def read_token(token: str) -> tuple[User, EmailKind] | None:
    """Return whom a link was sent to, and what it switches off; None if we did not make it."""
    try:
        user_id, kind = signing.loads(token, salt=_SWITCHES_OFF)
        return User.objects.get(pk=user_id), EmailKind(kind)
    except (signing.BadSignature, User.DoesNotExist):
        return None


def switch_off(user: User, kind: EmailKind) -> None:
    """Switch off the kind; by the link in the welcome, which comes once, switch off all."""
    kinds = EmailKind if kind == EmailKind.WELCOME else [kind]
    people.update_preferences(user, emails=dict.fromkeys(kinds, False))
