"""Referral codes: made from `secrets`, found without regard to case, in ASCII only."""

import re
import secrets
import string
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Coalesce

from accounts.models import User
from referrals.models import Program, Referral

_ALPHABET = string.ascii_uppercase + string.digits
_TYPED = re.compile(r"[A-Za-z0-9]{6,16}", re.ASCII)
# 36^8 codes: with a million users one attempt in three million meets a code that is taken.
ATTEMPTS = 5


class NoFreeCodeError(RuntimeError):
    """Every code that was tried is taken: the terms' code length is too short by now."""


def generate(length: int) -> str:
    """Return a new code of `length` characters of `A-Z0-9` (CONTRACT 2.1)."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def normalize(typed: object) -> str | None:
    """Return the code that a person meant, or None when no code looks like that.

    Case and surrounding spaces make no difference. Only ASCII is folded: `ſ` and `ı` become
    ASCII letters under `str.upper`, and would let one code be written as another.
    """
    if not isinstance(typed, str) or not _TYPED.fullmatch(stripped := typed.strip(" ")):
        return None
    return stripped.upper()


def uses(referrer: OuterRef | User | None) -> Coalesce:
    """Return an expression: how often the referrer's code was used, whatever became of it.

    Use numbers count from 1 without a gap, so the last one is how many there are.
    """
    made = Referral.objects.filter(referrer=referrer).order_by("-use_number")
    return Coalesce(Subquery(made.values("use_number")[:1]), 0)


@dataclass(frozen=True)
class FoundCode:
    """A code's active owner, its uses, and how many of these today's terms allow."""

    owner: User
    uses: int
    max_uses: int


def find(typed: object, *, now: datetime) -> FoundCode | None:
    """Return what is known of the code that a person typed, in one query; None if there is none."""
    code = normalize(typed)
    if code is None:
        return None
    terms = Program.objects.at(now)
    owner = (
        User.objects.filter(referral_code=code, is_active=True)
        .annotate(uses=uses(OuterRef("pk")), max_uses=Subquery(terms.values("max_uses")))
        .first()
    )
    return FoundCode(owner, owner.uses, owner.max_uses) if owner else None


def ensure_code(user: User, *, now: datetime) -> str:
    """Return the code of `user`, made now if there is none; at once, all callers get one value.

    Raises NoFreeCodeError.
    """
    if user.referral_code:
        return user.referral_code
    length = Program.objects.at(now).get().code_length
    for _ in range(ATTEMPTS):
        try:
            with transaction.atomic():
                codeless = User.objects.filter(pk=user.pk, referral_code=None)
                codeless.update(referral_code=generate(length))
        except IntegrityError:
            continue
        user.refresh_from_db(fields=["referral_code"])
        if user.referral_code:
            return user.referral_code
    raise NoFreeCodeError
