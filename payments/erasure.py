"""Erases a person: what names them goes, the books stay (CONTRACT 2.14)."""

from datetime import datetime, timedelta
from typing import Any

from axes.models import AccessAttempt
from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.db.models import Q

from accounts import advisory_locks, audit, people, permissions
from accounts.errors import AccountError
from accounts.models import ApiKey, User
from accounts.preferences import ShowToReferrer
from accounts.transactions import retry_on_deadlock
from payments.event_redaction import redact_events_of
from payments.models import Payment
from referrals.eligibility import CheckName

# What a person is told before they decide, wherever they do.
CONSEQUENCES = (
    "Name, e-mail address, network address, preferences and what Stripe told us of the person are"
    " deleted. It cannot be undone.",
    "API keys stop working, and nobody can log in. The account stays deactivated.",
    "Credits that are left are given up; a debt is not collected. The books keep every entry, by"
    " the account's number.",
    "Friends keep their purchases and bonuses; the code earns nothing more.",
)
BY_THE_PERSON = "the person asked for it"


class StaffError(AccountError):
    """Staff has to be an ordinary account first: the log of what they did needs their name."""


class NotConfirmedError(AccountError):
    """What was typed to confirm is not the person's user name."""


class AlreadyErasedError(AccountError):
    """Nothing is left to erase."""


def require_may_erase(person: User, *, by: User) -> None:
    """Raise unless `by` may erase `person`: the person may, or an operator.

    Raises PermissionMissingError, StaffError and AlreadyErasedError.
    """
    if by.pk != person.pk:
        permissions.require("accounts.erase_user", by=by)
    if person.is_staff or person.is_superuser:
        raise StaffError(f"{person} is staff")
    if person.erased_at:
        raise AlreadyErasedError(f"{person} is erased already")


def record_export(person: User, *, by: User, reason: str, now: datetime) -> None:
    """Record that an operator exports a person.

    Raises PermissionMissingError, SuperuserRequiredError and ReasonMissingError.
    """
    permissions.require("accounts.erase_user", by=by)
    people.require_manageable(person, by=by)
    audit.record(by=by, action="export person", target=person, reason=reason, now=now)


@retry_on_deadlock
@transaction.atomic
def erase(person: User, *, by: User, confirmed: str, reason: str, now: datetime) -> User:
    """Erase a person, and return them as they are now.

    `confirmed` is the user name, typed by hand. Raises NotConfirmedError, what `require_may_erase`
    raises, and ReasonMissingError.
    """
    if confirmed != person.username:
        raise NotConfirmedError("this is not the user name")
    # One at a time: it reads many events, and anybody may sign up and be erased. Others wait as
    # long as for any lock, and are then told to try again.
    advisory_locks.lock("erasure")
    with connection.cursor() as cursor:
        # The events that are of no payment are read one after the other.
        cursor.execute("SET LOCAL statement_timeout = 0")
    # Payments before people, as in the lock order of `settlement`.
    _erase_from_payments(person)
    locked = User.objects.select_for_update(no_key=True).get(pk=person.pk)
    require_may_erase(locked, by=by)
    username, email = locked.username, locked.email
    _erase_account(locked, now=now)
    redact_events_of(locked, email)
    AccessAttempt.objects.filter(Q(username__iexact=username) | Q(username__iexact=email)).delete()
    with connection.cursor() as cursor:
        cursor.execute("SELECT erase_from_audit(%s)", [locked.pk])
    audit.record(by=by, action="erase", target=locked, reason=reason, now=now)
    return locked


# The job that erases once more runs each night; a week lets it catch up after an outage.
_ERASED_AGAIN_FOR = timedelta(days=7)


def erase_late_payments(*, now: datetime) -> None:
    """Erase once more from payments what was written while a person was erased.

    Race: a friend's purchase settles, or a checkout begins, after the payments were erased and
    before the person's row is locked. The payments cannot wait for that lock: theirs come before.
    """
    for person in User.objects.filter(erased_at__gt=now - _ERASED_AGAIN_FOR).order_by("pk"):
        _erase_from_payments(person)


def _erase_account(person: User, *, now: datetime) -> None:
    # Nobody can register a name with a blank in it, so this one is free.
    nameless = f"erased #{person.pk}"
    values: dict[str, Any] = {
        "username": nameless,
        "username_folded": None,
        "email": nameless,
        "mailbox": None,
        "first_name": "",
        "last_name": "",
        "password": make_password(None),
        "last_login": None,
        "signup_address": "",
        "show_on_leaderboard": False,
        "show_to_referrer": ShowToReferrer.HIDDEN,
        "emails_off": [],
        "is_active": False,
        "erased_at": now,
    }
    User.objects.filter(pk=person.pk).update(**values)
    person.refresh_from_db()
    keys = ApiKey.objects.filter(user=person)
    keys.update(name="erased")
    keys.filter(Q(revoked_at=None) | Q(revoked_at__gt=now)).update(revoked_at=now)
    person.emails.all().delete()


# Two checks of a friend's purchase name the referrer.
_FORGET_REFERRER = """
UPDATE payments SET checks = (
    SELECT jsonb_agg(CASE WHEN each.one ->> 'name' = ANY (%(checks)s)
                               AND each.one ->> 'found' <> ''
                          THEN jsonb_set(each.one, '{found}', to_jsonb(%(nameless)s::text))
                          ELSE each.one END ORDER BY each.number)
    FROM jsonb_array_elements(checks) WITH ORDINALITY each (one, number))
WHERE user_id IN (SELECT id FROM users WHERE referred_by_code = %(code)s)
  AND checks @> %(said)s::jsonb
"""


def _erase_from_payments(person: User) -> None:
    # What a client sent may name the person: an Idempotency-Key, the addresses to return to.
    Payment.objects.filter(user=person).update(
        idempotency_key=None, success_url="", cancel_url="", checkout_url=""
    )
    if person.referral_code is None:
        return
    params: dict[str, Any] = {
        "code": person.referral_code,
        "nameless": f"erased #{person.pk}",
        "checks": [CheckName.REFERRER.value, CheckName.OTHER.value],
        "said": f'[{{"name": "{CheckName.REFERRER}"}}]',
    }
    with connection.cursor() as cursor:
        cursor.execute(_FORGET_REFERRER, params)
