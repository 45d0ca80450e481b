"""Finds people, deactivates them and lets them come back; nobody is deleted (CONTRACT 2.8)."""

import re
from datetime import datetime

from django.db import transaction
from django.db.models import Q, Value
from django.db.models.functions import Lower
from django.db.models.lookups import Exact

from accounts import audit
from accounts.models import User


class OwnAccountError(Exception):
    """Who deactivates oneself could not take it back."""


class NotYoursToDecideError(Exception):
    """Who may come into the admin is decided by a superuser alone."""


def find(who: str) -> User:
    """Return whom a colleague means: by user name, e-mail address, code or id, in this order.

    Raises User.DoesNotExist.
    """
    term = who.strip()
    is_id = re.fullmatch(r"[0-9]{1,18}", term)
    ways = (
        Q(Exact(Lower("username"), Lower(Value(term)))),
        Q(Exact(Lower("email"), Lower(Value(term)))),
        Q(referral_code=term.upper()),
        Q(pk=int(term) if is_id else None),
    )
    for way in ways:
        if found := User.objects.filter(way).first():
            return found
    raise User.DoesNotExist


def deactivate(user: User, *, by: User | None, reason: str, now: datetime) -> User:
    """Close the account: no key opens, nobody logs in, invitations earn nothing from now on.

    Return it as it is now; to deactivate again changes nothing and is not recorded. Raises
    OwnAccountError, NotYoursToDecideError and ReasonMissingError.
    """
    if by == user:
        raise OwnAccountError("nobody deactivates his own account")
    return _switch(user, "deactivate", False, by=by, reason=reason, now=now)


def reactivate(user: User, *, by: User | None, reason: str, now: datetime) -> User:
    """Open the account again; see `deactivate`."""
    return _switch(user, "reactivate", True, by=by, reason=reason, now=now)


def is_left_to(person: User, by: User) -> bool:
    """Tell whether `by` may decide on this account at all: that of a colleague is a superuser's."""
    return by.is_superuser or not (person.is_staff or person.is_superuser)


def require_left_to(person: User, by: User) -> None:
    """Raise NotYoursToDecideError for a colleague's account, unless it is a superuser who asks."""
    if not is_left_to(person, by):
        raise NotYoursToDecideError(f"{person} is staff: ask a superuser")


@transaction.atomic
def _switch(
    user: User, action: str, is_active: bool, *, by: User | None, reason: str, now: datetime
) -> User:
    person = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if by:
        require_left_to(person, by)
    if person.is_active == is_active:
        return person
    person.is_active = is_active
    person.save(update_fields=["is_active"])
    audit.record(
        by=by,
        action=action,
        target=person,
        reason=reason,
        before={"is_active": not is_active},
        after={"is_active": is_active},
        now=now,
    )
    return person
