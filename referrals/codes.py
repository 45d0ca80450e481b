"""Referral codes: random, unique, and matched without regard to case, in ASCII only."""

import re
import secrets
import string
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import CharField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts.callers import NOW
from accounts.models import User
from accounts.prepared import Parameter, Query
from referrals.errors import ReferralError
from referrals.models import Program, Referral

_ALPHABET = string.ascii_uppercase + string.digits
_TYPED = re.compile(r"[A-Za-z0-9]{6,16}", re.ASCII)
# There are 36^8 codes: with a million users, one attempt in three million hits a used code.
ATTEMPTS = 5


class NoFreeCodeError(ReferralError):
    """Every generated code was in use: the code length of the terms has become too short."""


def generate(length: int) -> str:
    """Return a new code of `length` characters of `A-Z0-9` (CONTRACT 2.1)."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def normalize(typed: object) -> str | None:
    """Return what a person typed as a code in upper case, or None if it cannot be a code."""
    # ASCII only: `str.upper` makes ASCII letters of `ſ` and `ı`, so that text with look-alike
    # letters would match a code.
    if not isinstance(typed, str) or not _TYPED.fullmatch(stripped := typed.strip(" ")):
        return None
    return stripped.upper()


def uses(referrer: OuterRef | User | None) -> Coalesce:
    """Return an expression for the number of uses of the referrer's code (CONTRACT 2.6)."""
    # Use numbers count from 1 without gaps, so the highest one is the count: one row of an index.
    made = Referral.objects.filter(referrer=referrer).order_by("-use_number")
    return Coalesce(Subquery(made.values("use_number")[:1]), 0)


@dataclass(frozen=True)
class FoundCode:
    """A code's active owner, its uses, and the number of uses that the terms in force allow."""

    owner: User
    uses: int
    max_uses: int


# A dict, because `from_db` looks each name up.
_OWNER = dict.fromkeys(["id", "username", "email", "referral_code"])


def found() -> QuerySet[User, tuple[Any, ...]]:
    """Return the query for the owner, the uses and the cap of the code that is the parameter."""
    owners = User.objects.filter(referral_code=Parameter("code", CharField()), is_active=True)
    annotated = owners.annotate(uses=uses(OuterRef("pk")), max_uses=in_force("max_uses"))
    return annotated.values_list(*_OWNER, "uses", "max_uses")


_FIND = Query(found)


def find(typed: object, *, now: datetime, query: Query = _FIND, **values: Any) -> FoundCode | None:
    """Return the code that a person typed, with owner and uses, in one query; else None.

    `query` is another one with the same columns, and `values` are its further parameters.
    """
    code = normalize(typed)
    if code is None:
        return None
    for *owner, uses_made, max_uses in query.fetch(code=code, now=now, **values):
        return FoundCode(User.from_db(None, _OWNER, owner), uses_made, max_uses)
    return None


def in_force(name: str) -> Subquery:
    """Return an expression for a field of the terms in force at the parameter `now`."""
    return Subquery(Program.objects.at(NOW).values(name))


def ensure_code(user: User, *, now: datetime) -> str:
    """Return the code of `user`, and generate it if there is none. Raises NoFreeCodeError."""
    if user.referral_code:
        return user.referral_code
    length = Program.objects.at(now).get().code_length
    for _ in range(ATTEMPTS):
        try:
            with transaction.atomic():
                # Race: of two simultaneous calls only one finds a row without a code. Both then
                # read the code that it saved.
                codeless = User.objects.filter(pk=user.pk, referral_code=None)
                codeless.update(referral_code=generate(length))
        except IntegrityError:  # another user has this code
            continue
        user.refresh_from_db(fields=["referral_code"])
        if user.referral_code:
            return user.referral_code
    raise NoFreeCodeError
