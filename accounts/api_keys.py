"""API keys: made once, shown once, kept as a digest, looked up in one query."""

import re
import secrets
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.crypto import salted_hmac

from accounts import audit, people
from accounts.models import ApiKey, User

_FORM = re.compile(r"gw_live_[A-Za-z0-9_-]{43}", re.ASCII)
_PREFIX_LENGTH = len("gw_live_") + 4
MOST_KEYS = 20
_USE_IS_NOTED_EVERY = timedelta(minutes=1)


class State(StrEnum):
    """Whether a key opens the door: in use → ending → revoked, or revoked at once."""

    IN_USE = "in use"  # with no end in sight
    ENDING = "ending"  # was rotated, and opens until then
    REVOKED = "revoked"  # opens nothing


class UnknownApiKeyError(LookupError):
    """No key of this form, digest and validity: deliberately one answer to all of them."""


class TooManyKeysError(Exception):
    """This many keys are in use: each is counted by itself, so more would be a way past limits."""


class KeyNotInUseError(Exception):
    """Only a key that is in use, with no end in sight, is rotated: once it is, it has a new one."""


def create_another(*, user: User, name: str, now: datetime) -> tuple[ApiKey, str]:
    """Make a key beside those that `user` has. Raises TooManyKeysError."""
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if listed(user, now=now).count() >= MOST_KEYS:
            raise TooManyKeysError
        return create(user=user, name=name, now=now)


def create(*, user: User, name: str, now: datetime) -> tuple[ApiKey, str]:
    """Make a key for `user`; return its record and its text, which nobody can read again."""
    text = f"gw_live_{secrets.token_urlsafe(32)}"
    record = ApiKey.objects.create(
        user=user, name=name, prefix=prefix(text), digest=digest(text), created_at=now
    )
    return record, text


def prefix(text: str) -> str:
    """Return how the key begins, which may be shown and tells nobody the rest."""
    return text[:_PREFIX_LENGTH]


def digest(text: str) -> str:
    """Return what the database keeps: an HMAC-SHA256 whose pepper comes from SECRET_KEY.

    A key has 256 random bits, so a slow hash would protect nothing and cost every request.
    """
    return salted_hmac("accounts.api_keys", text, algorithm="sha256").hexdigest()


# One trip: find the key and its user, and note the use at most once a minute. The note is
# conditional on the row's own column, so of requests at once only the first writes it.
_IDENTIFY = """
WITH presented AS (
    SELECT id, user_id FROM api_keys
    WHERE digest = %(digest)s AND (revoked_at IS NULL OR revoked_at > %(now)s)
), noted AS (
    UPDATE api_keys SET last_used_at = %(now)s FROM presented
    WHERE api_keys.id = presented.id
      AND (api_keys.last_used_at IS NULL OR api_keys.last_used_at < %(stale)s)
)
SELECT users.*
FROM presented JOIN users ON users.id = presented.user_id
WHERE users.is_active
"""


def identify(text: str, *, now: datetime) -> User:
    """Return the active user whose valid key this is.

    Raises UnknownApiKeyError.
    """
    if _FORM.fullmatch(text):
        params = {"digest": digest(text), "now": now, "stale": now - _USE_IS_NOTED_EVERY}
        for user in User.objects.raw(_IDENTIFY, params):
            return user
    raise UnknownApiKeyError


def listed(user: User, *, now: datetime) -> QuerySet[ApiKey]:
    """Return the keys of `user` that still open the door."""
    return user.api_keys.filter(Q(revoked_at=None) | Q(revoked_at__gt=now))


def state(key: ApiKey, *, now: datetime) -> State:
    """Return what the key is good for; the same as `listed` and `identify` ask in SQL."""
    if key.revoked_at is None:
        return State.IN_USE
    return State.ENDING if key.revoked_at > now else State.REVOKED


@transaction.atomic
def revoke(key: ApiKey, *, now: datetime, by: User | None = None, reason: str = "") -> None:
    """Make the key useless from now on; to revoke it again changes nothing and is not recorded.

    When it is not its owner but an operator who does it, it takes a reason and is recorded.
    Raises ReasonMissingError and NotYoursToDecideError.
    """
    locked = _locked(key, by)
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
    """Make a key in the place of `key`, which opens the door until `grace` is over.

    Return the new record and its text, which nobody can read again. Raises KeyNotInUseError,
    ReasonMissingError and NotYoursToDecideError.
    """
    old = _locked(key, by)
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


def _locked(key: ApiKey, by: User | None) -> ApiKey:
    """Return the key as it is now, for nobody else to change until the transaction ends.

    Raises NotYoursToDecideError when it is an operator who has no say over its owner.
    """
    locked = ApiKey.objects.select_for_update(no_key=True, of=("self",)).get(pk=key.pk)
    if by is not None:
        people.require_left_to(locked.user, by)
    return locked
