"""API keys: created, shown once, stored as a digest, looked up in one query."""

import re
import secrets
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.crypto import salted_hmac

from accounts import audit, people
from accounts.errors import AccountError
from accounts.models import ApiKey, User

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
    """The user has MAX_KEYS valid keys. Each key has its own rate limit, so more would avoid it."""


class KeyNotInUseError(AccountError):
    """The key is revoked, or was rotated already and so has a successor."""


def create_within_limit(*, user: User, name: str, now: datetime) -> tuple[ApiKey, str]:
    """Create one more key, up to MAX_KEYS. Raises TooManyKeysError."""
    with transaction.atomic():
        # Lock the user: two requests at once would count the same number of keys.
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if valid_keys(user, now=now).count() >= MAX_KEYS:
            raise TooManyKeysError
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
    """Return what the database stores: an HMAC-SHA256 whose pepper comes from SECRET_KEY."""
    # No slow password hash: nobody can guess 256 random bits, and every request would pay for it.
    return salted_hmac("accounts.api_keys", text, algorithm="sha256").hexdigest()


# One round trip: find the key and its user, and update `last_used_at` at most once a minute.
# PostgreSQL checks the condition again after waiting for the row, so of several requests at once
# only the first writes.
_AUTHENTICATE = """
WITH given AS (
    SELECT id, user_id FROM api_keys
    WHERE digest = %(digest)s AND (revoked_at IS NULL OR revoked_at > %(now)s)
), updated AS (
    UPDATE api_keys SET last_used_at = %(now)s FROM given
    WHERE api_keys.id = given.id
      AND (api_keys.last_used_at IS NULL OR api_keys.last_used_at < %(stale)s)
)
SELECT users.*
FROM given JOIN users ON users.id = given.user_id
WHERE users.is_active
"""


def authenticate(text: str, *, now: datetime) -> User:
    """Return the active user of this valid key. Raises InvalidApiKeyError."""
    # A malformed key costs no query.
    if _FORMAT.fullmatch(text):
        params = {"digest": digest(text), "now": now, "stale": now - _LAST_USED_PRECISION}
        for user in User.objects.raw(_AUTHENTICATE, params):
            return user
    raise InvalidApiKeyError


def valid_keys(user: User, *, now: datetime) -> QuerySet[ApiKey]:
    """Return the keys of `user` that are valid now."""
    return user.api_keys.filter(Q(revoked_at=None) | Q(revoked_at__gt=now))


def state(key: ApiKey, *, now: datetime) -> State:
    """Return the state of the key; `valid_keys` and `authenticate` ask the same in SQL."""
    if key.revoked_at is None:
        return State.IN_USE
    return State.ENDING if key.revoked_at > now else State.REVOKED


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


def _lock_key(key: ApiKey, by: User | None) -> ApiKey:
    """Lock the key and return it as it is now.

    Raises SuperuserRequiredError when operator `by` may not manage the key's owner.
    """
    locked = ApiKey.objects.select_for_update(no_key=True, of=("self",)).get(pk=key.pk)
    if by is not None:
        people.require_manageable(locked.user, by=by)
    return locked
