"""Finds the caller by key or token, in one query, and writes when a key was last used."""

import re
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import structlog
from django.contrib.postgres.fields import ArrayField
from django.core.signals import request_finished
from django.db import Error as AnyDatabaseError
from django.db.models import (
    BigIntegerField,
    CharField,
    DateTimeField,
    Exists,
    F,
    OuterRef,
    Q,
    Value,
)
from django.db.models.lookups import Exact
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


NOW = Parameter("now", DateTimeField())
_KEY_ID = Parameter("key_id", BigIntegerField())
_IS_VALID = Q(revoked_at=None) | Q(revoked_at__gt=NOW)


class CallerQuery:
    """Finds the caller by key or token, and reads what an endpoint needs of them, in one query.

    `fields` are those of the caller that it needs; any other is read when it is asked for.
    `annotations` returns expressions by name. It is given the names of the outer columns with the
    caller's id and code, and uses Parameter("now", …) for the time. The caller gets the values, and
    `key_id`, as attributes.
    """

    def __init__(
        self,
        *fields: str,
        annotations: Callable[[str, str], dict[str, Any]] = lambda user, code: {},
    ) -> None:
        wanted = {"id", *fields} if fields else {*_CALLER} - _RARE
        # In the order of `from_db`, and a dict, because it looks each name up.
        self._fields = dict.fromkeys(name for name in _CALLER if name in wanted)
        of_caller = [f"user__{name}" for name in self._fields]
        of_key = annotations("user_id", "user__referral_code")
        of_user = annotations("pk", "referral_code")
        self._names = list(of_key)
        self._by_key = Query(
            lambda: (
                ApiKey.objects.filter(
                    _IS_VALID,
                    IsAnyOf(F("digest"), Parameter("digests", ArrayField(CharField()))),
                    user__is_active=True,
                )
                .annotate(**of_key)
                .values_list("pk", "digest", "last_used_at", *of_caller, *of_key)
            )
        )
        self._by_token = Query(
            lambda: (
                User.objects.filter(
                    Q(Exact(_KEY_ID, Value(0)))
                    | Exists(ApiKey.objects.filter(_IS_VALID, pk=_KEY_ID, user=OuterRef("pk"))),
                    pk=Parameter("user_id", BigIntegerField()),
                    is_active=True,
                )
                .annotate(**of_user)
                .values_list(*self._fields, *of_user)
            )
        )

    def authenticate(self, text: str, *, now: datetime) -> User:
        """Return the active user of this valid key. Raises InvalidApiKeyError."""
        if not _FORMAT.fullmatch(text):  # a malformed key costs no query
            raise InvalidApiKeyError
        digests = api_keys.digests(text)
        # PostgreSQL's text of an array: psycopg takes ten times as long to make it from a list.
        rows = self._by_key.fetch(digests=f"{{{','.join(digests)}}}", now=now)
        if not rows:
            raise InvalidApiKeyError
        [(key_id, found, last_used_at, *values)] = rows
        is_stale = last_used_at is None or last_used_at < now - _LAST_USED_PRECISION
        if is_stale or found != digests[0]:
            _used.append(_Use(key_id, now, found, digests[0]))
        return self._caller(values, key_id)

    def by_token(self, *, user_id: int, key_id: int, now: datetime) -> User:
        """Return the active user, whose key is still valid unless it is 0.

        Raises InvalidApiKeyError.
        """
        rows = self._by_token.fetch(user_id=user_id, key_id=key_id, now=now)
        if not rows:
            raise InvalidApiKeyError
        return self._caller(rows[0], key_id)

    def _caller(self, values: Sequence[Any], key_id: int) -> User:
        caller = User.from_db(None, self._fields, values[: len(self._fields)])
        more = values[len(self._fields) :]
        vars(caller).update(zip(self._names, more, strict=True), key_id=key_id)
        return caller


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
