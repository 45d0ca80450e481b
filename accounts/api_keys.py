"""API keys: created, shown once, stored as a digest; `callers` finds people by them."""

import secrets
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.crypto import salted_hmac

from accounts import audit, people, permissions
from accounts.errors import AccountError
from accounts.models import ApiKey, User

_PREFIX_LENGTH = len("gw_live_") + 4
MAX_KEYS = 20


class State(StrEnum):
    """Whether a key is valid: in use → ending → revoked, or in use → revoked."""

    IN_USE = "in use"  # valid, without an end
    ENDING = "ending"  # rotated; valid until its grace period ends
    REVOKED = "revoked"  # not valid


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
        user=user, name=name, prefix=prefix(text), digest=digests(text)[0], created_at=now
    )
    return record, text


def prefix(text: str) -> str:
    """Return the beginning of the key, which identifies it in lists and may be shown."""
    return text[:_PREFIX_LENGTH]


def digests(text: str) -> list[str]:
    """Return what the database may store, an HMAC-SHA256 by each pepper; new is the first."""
    # No slow password hash: nobody can guess 256 random bits, and every request would pay for it.
    return [
        salted_hmac("accounts.api_keys", text, secret=pepper, algorithm="sha256").hexdigest()
        for pepper in peppers()
    ]


def peppers() -> list[str]:
    """Return the peppers; keys from before API_KEY_PEPPERS was set have SECRET_KEY as theirs."""
    secret_keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [*settings.API_KEY_PEPPERS, *secret_keys]


def valid_keys(user: User, *, now: datetime) -> QuerySet[ApiKey]:
    """Return the keys of `user` that are valid now."""
    return user.api_keys.filter(Q(revoked_at=None) | Q(revoked_at__gt=now))


def state(key: ApiKey, *, now: datetime) -> State:
    """Return the state of the key; `valid_keys` and `callers` ask the same in SQL."""
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
