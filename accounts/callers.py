"""Finds the caller by the API key, in one query, and writes when a key was last used."""

import re
from collections import deque
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import structlog
from django.contrib.postgres.fields import ArrayField
from django.core.signals import request_finished
from django.db import Error as AnyDatabaseError
from django.db.models import CharField, DateTimeField, F, Q
from django.dispatch import receiver

from accounts import api_keys
from accounts.errors import AccountError
from accounts.models import ApiKey, User
from accounts.prepared import IsAnyOf, Parameter, Query

log = structlog.get_logger(__name__)

_FORMAT = re.compile(r"gw_live_[A-Za-z0-9_-]{43}", re.ASCII)
_LAST_USED_PRECISION = timedelta(minutes=1)


class InvalidApiKeyError(AccountError):
    """The key is malformed, unknown, revoked, or of a deactivated user.

    One error for all, so that a caller cannot find out which.
    """


_CALLER = [field.attname for field in User._meta.concrete_fields]
# What an endpoint rarely needs of its caller.
_RARE = {
    *("password", "first_name", "last_name", "last_login", "signup_address"),
    *("show_to_referrer", "emails_off", "erased_at"),
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
        digests = api_keys.digests(text)
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
