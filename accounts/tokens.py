"""Short-lived, narrow tokens for browsers, so that no key that never expires is in one.

A token is signed and stored nowhere. It ends after LIFETIME, and before that when its person is
deactivated or the key that it was made with is revoked.
"""

import re
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from django.core.signing import BadSignature, TimestampSigner

from accounts import api_keys
from accounts.callers import InvalidApiKeyError
from accounts.models import User

PREFIX = "gw_temp_"
LIFETIME = timedelta(minutes=15)


class Scope(StrEnum):
    """What a token is good for; each includes those before it."""

    STATS = "stats"  # to GET what a frame on another site shows: whoever opens that site has it
    READ = "read"  # to GET what the dashboard shows
    CHECKOUT = "checkout"  # to start purchases

    def includes(self, other: "Scope | None") -> bool:
        scopes = [*Scope]
        return other is not None and scopes.index(other) <= scopes.index(self)


_FORMAT = re.compile(
    rf"gw_temp_((?:{'|'.join(Scope)})\.[0-9]{{1,18}}\.[0-9]{{1,18}}\.[\w-]+\.[\w-]+)", re.ASCII
)


class Token(NamedTuple):
    """What a token says; `key_id` is 0 when it was made in a session, without a key."""

    scope: Scope
    user_id: int
    key_id: int


def create(user: User, scope: Scope, *, key_id: int = 0) -> str:
    """Return a token for `user`, made with the API key `key_id` or in a session."""
    return f"{PREFIX}{_signer().sign(f'{scope}.{user.pk}.{key_id}')}"


def read(text: str) -> Token:
    """Return what the token says. Raises InvalidApiKeyError when it is not ours, or has ended."""
    found = _FORMAT.fullmatch(text)
    if not found:
        raise InvalidApiKeyError
    try:
        scope, user_id, key_id = _signer().unsign(found[1], max_age=LIFETIME).split(".")
    except BadSignature:
        raise InvalidApiKeyError from None
    return Token(Scope(scope), int(user_id), int(key_id))


def _signer() -> TimestampSigner:
    secret, *earlier = api_keys.peppers()
    return TimestampSigner(key=secret, fallback_keys=[*earlier], sep=".", salt="accounts.tokens")
