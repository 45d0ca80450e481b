"""Sends the queued e-mails, each once unless a crash comes between the mail server and our mark.

SMTP has no transaction, so of a crash right after sending nothing is known: such an e-mail is sent
again, rather than never, with the same Message-ID, by which mail programs show it once.
"""

import time
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from smtplib import SMTPException
from typing import Any

import structlog
from django.conf import settings
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.utils import timezone

from accounts import emails
from accounts.models import Email, LedgerEntry, User
from accounts.money import dollars
from accounts.preferences import A_FRIEND, shown_to_referrer
from payments.email_causes import NEWS_AGE
from referrals.invitations import invite_link
from referrals.models import Program, Referral

log = structlog.get_logger(__name__)

Template = Email.Template
# The job runs each minute; the rest of the minute is for the other jobs.
SEND_SECONDS = 30
# After this many e-mails in a row that the server did not take, the job assumes that it is down.
MAX_FAILURES_IN_A_ROW = 3
_LONGEST_WAIT = timedelta(hours=1)


def send_due() -> int:
    """Send what is due, for at most SEND_SECONDS, and return how many were sent.

    An e-mail that fails is due again after 1, 2, 4, … minutes, at most an hour, until it is no
    news. Raises the last EmailNotSentError at the end, so that the job counts as failed.
    """
    if not settings.EMAILS_ARE_SENT:
        return 0
    sent, in_a_row, failure = 0, 0, None
    ends_at = time.monotonic() + SEND_SECONDS
    server = mail.get_connection()
    while time.monotonic() < ends_at and in_a_row < MAX_FAILURES_IN_A_ROW:
        email = _take_next(now=timezone.now())
        if email is None:
            break
        try:
            outcome = _send(email, server, now=timezone.now())
        except emails.AddressRefusedError as error:
            outcome = Email.Outcome.REFUSED
            log.warning("email_refused", email_id=email.pk, reason=str(error))
        except emails.EmailNotSentError as error:
            # Addresses that are made up must not keep the e-mails of others from being sent.
            is_of_address = isinstance(error, emails.AddressDeferredError)
            failure, in_a_row = error, 0 if is_of_address else in_a_row + 1
            log.warning("email_not_sent", email_id=email.pk, reason=str(error))
            _close(server)
            continue
        in_a_row, sent = 0, sent + (outcome == Email.Outcome.SENT)
        email.outcome, email.due_at = outcome, timezone.now()
        email.save(update_fields=["outcome", "due_at"])
    _close(server)
    if failure:
        raise failure
    return sent


def _close(server: BaseEmailBackend) -> None:
    with suppress(SMTPException, OSError):
        server.close()


@transaction.atomic
def _take_next(*, now: datetime) -> Email | None:
    """Return one that is due, which nobody else gets until its next attempt is due."""
    due = Email.objects.filter(outcome=Email.Outcome.WAITING, due_at__lte=now).order_by(
        "due_at", "pk"
    )
    email = due.select_for_update(skip_locked=True).first()
    if email:
        wait = timedelta(minutes=2 ** min(email.attempts, 6))
        email.attempts, email.due_at = email.attempts + 1, now + min(wait, _LONGEST_WAIT)
        email.save(update_fields=["attempts", "due_at"])
    return email


def _send(email: Email, server: BaseEmailBackend, *, now: datetime) -> Email.Outcome:
    """Send it, if it is news to somebody who wants it. Raises EmailNotSentError."""
    user = User.objects.get(pk=email.user_id)
    if email.caused_at < now - NEWS_AGE:
        return Email.Outcome.TOO_OLD
    if not user.is_active or user.is_staff or "@" not in user.email:
        return Email.Outcome.NO_RECIPIENT
    if email.kind in user.emails_off:
        return Email.Outcome.SWITCHED_OFF
    emails.send(
        email.template,
        user,
        _context(email, user, now=now),
        kind=email.kind,
        message_id=emails.message_id(email.template, email.cause_id, user.pk),
        connection=server,
    )
    return Email.Outcome.SENT


def _context(email: Email, user: User, *, now: datetime) -> dict[str, Any]:
    """Return what the template says, as it is now."""
    context = {
        "link": f"{settings.FRONTEND_URL}/dashboard",
        "button": "Open your dashboard",
        "balance": dollars(user.credits),
        "is_in_debt": user.credits < 0,
    }
    match Template(email.template):
        case Template.WELCOME | Template.FRIEND_SIGNED_UP:
            terms = Program.objects.at(email.caused_at).get()
            return context | {
                "code": user.referral_code,
                "invite_link": invite_link(user.referral_code or ""),
                "referrer_bonus": dollars(terms.referrer_bonus),
                "referee_bonus": dollars(terms.referee_bonus),
                "minimum": dollars(terms.minimum_purchase),
                "friend": _friend(email.cause_id),
            }
        case Template.BONUS_HELD:
            referral = Referral.objects.get(pk=email.cause_id)
            is_referrer = referral.referrer_id == user.pk
            return context | {"friend": _friend(referral.referred_user_id) if is_referrer else ""}
    return context | _of_entry(LedgerEntry.objects.get(pk=email.cause_id))


def _of_entry(entry: LedgerEntry) -> dict[str, Any]:
    is_invitation = entry.kind == LedgerEntry.Kind.REFERRER_BONUS
    return {
        "amount": dollars(abs(entry.amount)),
        "is_credit": entry.amount > Decimal(0),
        "description": entry.description,
        # The reference of a bonus is the other side: `user:12`.
        "friend": _friend(int(entry.reference.removeprefix("user:"))) if is_invitation else "",
    }


def _friend(user_id: int) -> str:
    """Return the name of a referee as their referrer may see it."""
    friend = User.objects.filter(pk=user_id).first()
    if friend is None:  # an account without entries may be deleted
        return A_FRIEND
    return emails.as_text(shown_to_referrer(friend.username, friend.show_to_referrer))
