"""API keys: created, shown once, stored as a digest, looked up in one query."""

import re
import secrets
from collections import deque
from contextlib import suppress
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

import structlog
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.signals import request_finished
from django.db import Error as AnyDatabaseError
from django.db import transaction
from django.db.models import CharField, DateTimeField, F, Q, QuerySet
from django.dispatch import receiver
from django.utils.crypto import salted_hmac

from accounts import audit, people, permissions
from accounts.errors import AccountError
from accounts.models import ApiKey, User
from accounts.prepared import IsAnyOf, Parameter, Query

log = structlog.get_logger(__name__)

_FORMAT = re.compile(r"gw_live_[A-Za-z0-9_-]{43}", re.ASCII)
_PREFIX_LENGTH = len("gw_live_") + 4
MAX_KEYS = 20
_LAST_USED_PRECISION = timedelta(minutes=1)


class State(StrEnum):
    """Whether a key is valid: in use → ending → revoked, or in use → revoked."""

    IN_USE = "in use"  # valid, without an end
    ENDING = "ending"  # rotated; valid until its grace period ends
    REVOKED = "revoked"  # not valid


class InvalidApiKeyError(AccountError):
    """The key is malformed, unknown, revoked, or of a deactivated user.

    One error for all, so that a caller cannot find out which.
    """


class TooManyKeysError(AccountError):
    """The user has MAX_KEYS valid keys; nobody needs more, and each is something to lose."""


class OwnerDeactivatedError(AccountError):
    """No key of a deactivated user works."""


class LastKeyError(AccountError):
    """Without this key its owner has no other that goes on working, and could call nothing."""


class KeyNotInUseError(AccountError):
    """The key is revoked, or was rotated already and so has a successor."""


def create_within_limit(*, user: User, name: str, now: datetime) -> tuple[ApiKey, str]:
    """Create one more key, up to MAX_KEYS. Raises TooManyKeysError."""
    with transaction.atomic():
        # Lock the user: two requests at once would count the same number of keys.
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if valid_keys(user, now=now).count() >= MAX_KEYS:
            raise TooManyKeysError(f"{user} has {MAX_KEYS} keys")
        return create(user=user, name=name, now=now)


def create(*, user: User, name: str, now: datetime) -> tuple[ApiKey, str]:
    """Create a key; return its row and its text, which cannot be read again."""
    text = f"gw_live_{secrets.token_urlsafe(32)}"
    record = ApiKey.objects.create(
        user=user, name=name, prefix=prefix(text), digest=digest(text), created_at=now
    )
    return record, text


def prefix(text: str) -> str:
    """Return the beginning of the key, which identifies it in lists and may be shown."""
    return text[:_PREFIX_LENGTH]


def digest(text: str) -> str:
    """Return what the database stores: an HMAC-SHA256 with the first pepper."""
    return _digest(text, _peppers()[0])


def _digest(text: str, pepper: str) -> str:
    # No slow password hash: nobody can guess 256 random bits, and every request would pay for it.
    return salted_hmac("accounts.api_keys", text, secret=pepper, algorithm="sha256").hexdigest()


def _peppers() -> list[str]:
    """Return the peppers; keys from before API_KEY_PEPPERS was set have SECRET_KEY as theirs."""
    secret_keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [*settings.API_KEY_PEPPERS, *secret_keys]


_CALLER = [field.attname for field in User._meta.concrete_fields]
# What an endpoint rarely needs of its caller.
_RARE = {
    *("password", "first_name", "last_name", "last_login", "signup_address"),
    *("show_to_referrer", "emails_off"),
}


class CallerQuery:
    """Finds the caller by the key, and reads with them what an endpoint needs, in one query.

    `fields` are those of the caller that it needs; any other is read when it is asked for.
    `annotations` are expressions by name, with OuterRef("user_id") for the caller and
    Parameter("now", …) for the time; the caller gets them, and `key_id`, as attributes.
    """

    def __init__(self, *fields: str, **annotations: Any) -> None:
        wanted = {"id", *fields} if fields else {*_CALLER} - _RARE
        # In the order of `from_db`, and a dict, because it looks each name up.
        self._fields = dict.fromkeys(name for name in _CALLER if name in wanted)
        of_caller = [f"user__{name}" for name in self._fields]
        self._names = list(annotations)
        self._query = Query(
            lambda: (
                ApiKey.objects.filter(
                    Q(revoked_at=None) | Q(revoked_at__gt=NOW),
                    IsAnyOf(F("digest"), Parameter("digests", ArrayField(CharField()))),
                    user__is_active=True,
                )
                .annotate(**annotations)
                .values_list("pk", "digest", "last_used_at", *of_caller, *annotations)
            )
        )

    def authenticate(self, text: str, *, now: datetime) -> User:
        """Return the active user of this valid key. Raises InvalidApiKeyError."""
        if not _FORMAT.fullmatch(text):  # a malformed key costs no query
            raise InvalidApiKeyError
        digests = [_digest(text, pepper) for pepper in _peppers()]
        # PostgreSQL's text of an array: psycopg takes ten times as long to make it from a list.
        rows = self._query.fetch(digests=f"{{{','.join(digests)}}}", now=now)
        if not rows:
            raise InvalidApiKeyError
        [(key_id, found, last_used_at, *values)] = rows
        caller = User.from_db(None, self._fields, values[: len(self._fields)])
        more = values[len(self._fields) :]
        vars(caller).update(zip(self._names, more, strict=True), key_id=key_id)
        is_stale = last_used_at is None or last_used_at < now - _LAST_USED_PRECISION
        if is_stale or found != digests[0]:
            _used.append(_Use(key_id, now, found, digests[0]))
        return caller


NOW = Parameter("now", DateTimeField())
CALLER = CallerQuery()


class _Use(NamedTuple):
    """What the row of a used key does not say yet."""

    key_id: int
    at: datetime
    digest: str
    # With the first pepper.
    new_digest: str


# Shared by the threads of a process: one that has answered may write what another has read.
# Bounded, should nobody answer a request.
_used: deque[_Use] = deque(maxlen=1000)


def authenticate(text: str, *, now: datetime) -> User:
    """Return the active user of this valid key. Raises InvalidApiKeyError."""
    return CALLER.authenticate(text, now=now)


@receiver(request_finished)
def record_use(**_: Any) -> None:
    """Write when keys were last used, to the minute, and their digests with the first pepper.

    It happens after the caller has the answer.
    """
    try:
        with suppress(IndexError):  # none is left
            while True:
                _record_use(_used.popleft())
    except AnyDatabaseError as error:
        # The caller has the answer already, and the next use writes it. A database that is down is
        # not asked for the others.
        log.warning("use_not_recorded", error=repr(error))


def _record_use(use: _Use) -> None:
    # Race: of several requests at once only one writes.
    key = ApiKey.objects.filter(pk=use.key_id)
    if use.digest != use.new_digest:
        key.filter(digest=use.digest).update(digest=use.new_digest)
    is_stale = Q(last_used_at=None) | Q(last_used_at__lt=use.at - _LAST_USED_PRECISION)
    key.filter(is_stale).update(last_used_at=use.at)


def valid_keys(user: User, *, now: datetime) -> QuerySet[ApiKey]:
    """Return the keys of `user` that are valid now."""
    return user.api_keys.filter(Q(revoked_at=None) | Q(revoked_at__gt=now))


def state(key: ApiKey, *, now: datetime) -> State:
    """Return the state of the key; `valid_keys` and `authenticate` ask the same in SQL."""
    if key.revoked_at is None:
        return State.IN_USE
    return State.ENDING if key.revoked_at > now else State.REVOKED


@transaction.atomic
def revoke_own(key: ApiKey, *, allow_last: bool, now: datetime) -> None:
    """Revoke a key for its owner. Raises LastKeyError unless `allow_last`."""
    # Lock the user: two requests at once would each see the other's key.
    User.objects.select_for_update(no_key=True).get(pk=key.user_id)
    others = ApiKey.objects.filter(user=key.user_id, revoked_at=None).exclude(pk=key.pk)
    if not allow_last and not others.exists():
        raise LastKeyError
    revoke(key, now=now)


@transaction.atomic
def revoke(key: ApiKey, *, now: datetime, by: User | None = None, reason: str = "") -> None:
    """Make the key invalid from now on; a repeated call changes and records nothing.

    `by` is the operator, who needs a reason and is recorded; None is the key's owner. Raises
    ReasonMissingError and SuperuserRequiredError.
    """
    locked = _lock_key(key, by)
    if state(locked, now=now) is State.REVOKED:
        return
    key.revoked_at = now
    key.save(update_fields=["revoked_at"])
    if by is not None:
        audit.record(
            by=by,
            action="revoke key",
            target=key,
            reason=reason,
            before={"revoked_at": locked.revoked_at},
            after={"revoked_at": now},
            now=now,
        )


@transaction.atomic
def rotate(
    key: ApiKey, *, by: User, reason: str, now: datetime, grace: timedelta
) -> tuple[ApiKey, str]:
    """Create a successor of `key`, which itself stays valid for `grace`.

    Return the new row and its text, which cannot be read again. Raises KeyNotInUseError,
    ReasonMissingError and SuperuserRequiredError.
    """
    old = _lock_key(key, by)
    if state(old, now=now) is not State.IN_USE:
        raise KeyNotInUseError(f"{old} was revoked or rotated already")
    old.revoked_at = now + grace
    old.save(update_fields=["revoked_at"])
    new, text = create(user=old.user, name=old.name, now=now)
    audit.record(
        by=by,
        action="rotate key",
        target=old,
        reason=reason,
        before={"revoked_at": None},
        after={"revoked_at": old.revoked_at, "new_key": new.prefix, "new_key_id": new.pk},
        now=now,
    )
    return new, text


@transaction.atomic
def issue(user: User, *, by: User, reason: str, now: datetime) -> tuple[ApiKey, str]:
    """Create a key for somebody who lost theirs; return its row and its text, as `create` does.

    Raises PermissionMissingError, SuperuserRequiredError, OwnerDeactivatedError, TooManyKeysError
    and ReasonMissingError.
    """
    owner = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    permissions.require("accounts.manage_keys", by=by)
    people.require_manageable(owner, by=by)
    if not owner.is_active:
        raise OwnerDeactivatedError(f"{owner} is deactivated, and no key would work")
    new, text = create_within_limit(user=owner, name="from an operator", now=now)
    after = {"new_key": new.prefix}
    audit.record(by=by, action="issue key", target=new, reason=reason, after=after, now=now)
    return new, text


def _lock_key(key: ApiKey, by: User | None) -> ApiKey:
    """Lock the key and return it as it is now.

    Raises PermissionMissingError, and SuperuserRequiredError when operator `by` may not manage
    the key's owner.
    """
    locked = ApiKey.objects.select_for_update(no_key=True, of=("self",)).get(pk=key.pk)
    if by is not None:
        permissions.require("accounts.manage_keys", by=by)
        people.require_manageable(locked.user, by=by)
    return locked
