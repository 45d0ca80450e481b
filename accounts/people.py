"""Finds people, deactivates them and lets them come back; nobody is deleted (CONTRACT 2.8)."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Q, Value
from django.db.models.functions import Lower
from django.db.models.lookups import Exact, StartsWith

from accounts import audit, ledger, row_ids
from accounts.models import User

# Fewer letters begin the names of half the world.
_ENOUGH_OF_A_NAME = 3
_MOST_MEANT = 1000


class OwnAccountError(Exception):
    """Who deactivates oneself could not take it back."""


class NotYoursToDecideError(Exception):
    """Who may come into the admin is decided by a superuser alone."""


class LastSuperuserError(Exception):
    """Without a superuser nobody could manage the staff."""


class SeveralPeopleError(Exception):
    """What was typed fits several people: anybody may take another's address or code for a name."""

    def __init__(self, who: str, people: Iterable[User]) -> None:
        listed = ", ".join(f"#{user.pk} {user.username}" for user in people)
        super().__init__(f"{who!r} may be {listed}: say which by the number, like #12")


def find(who: str, *others: int) -> User:
    """Return the one person who has this user name, e-mail address, code or id.

    `#12` is the id and nothing else, as no name begins like this. `others` are ids of more
    people who may be meant. Raises User.DoesNotExist and SeveralPeopleError.
    """
    term = who.strip()
    if term.startswith("#"):
        return User.objects.get(Q(pk=row_ids.read(term[1:])))
    ways = called(term) | Q(referral_code=_code(term)) | Q(pk=row_ids.read(term)) | Q(pk__in=others)
    found = list(User.objects.filter(ways).order_by("pk"))
    if not found:
        raise User.DoesNotExist
    if len(found) > 1:
        raise SeveralPeopleError(term, found)
    return found[0]


def called(term: str) -> Q:
    """Return the condition of whoever has exactly this name or e-mail, whatever the case."""
    return _named(Exact, term)


def beginning(term: str) -> Q:
    """Return the condition of those whose name or e-mail begins like this, whatever the case.

    Nobody meets it while the beginning is too short to mean anybody.
    """
    return _named(StartsWith, term) if len(term) >= _ENOUGH_OF_A_NAME else Q(pk=None)


def whose(term: str, owner: str = "user") -> list[Q]:
    """Return the conditions of what belongs to whomever `called` and `beginning` find.

    Of a beginning so many that a common one does not read half of the table.
    """
    people = User.objects.order_by()
    ways = people.filter(called(term)), people.filter(beginning(term))[:_MOST_MEANT]
    return [Q(**{f"{owner}__in": found.values("pk")}) for found in ways]


def _named(comparison: type[Exact | StartsWith], term: str) -> Q:
    """Compare in the words of the unique indexes, which serve beginnings as well."""
    value = Lower(Value(term))
    return Q(comparison(Lower("username"), value)) | Q(comparison(Lower("email"), value))


def _code(term: str) -> str:
    """Return the code that this would be; other alphabets have letters that turn into ours."""
    return term.upper() if term.isascii() else ""


def deactivate(user: User, *, by: User | None, reason: str, now: datetime) -> User:
    """Close the account: no key opens, nobody logs in, invitations earn nothing from now on.

    Return it as it is now; to deactivate again changes nothing and is not recorded. Raises
    OwnAccountError, NotYoursToDecideError and ReasonMissingError.
    """
    if by == user:
        raise OwnAccountError("you cannot deactivate your own account")
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


def require_to_decide(person: User, by: User) -> None:
    """Raise OwnAccountError or NotYoursToDecideError unless `by` may close and open the account."""
    if by == person:
        raise OwnAccountError("you cannot deactivate your own account")
    require_left_to(person, by)


def require_another_superuser(person: User) -> None:
    """Refuse to take from the last superuser what makes her one: nobody could give it back.

    Whoever asks holds the lock on all of them until the transaction ends. Raises
    LastSuperuserError.
    """
    may_all = User.objects.filter(is_active=True, is_staff=True, is_superuser=True)
    if set(ledger.lock_accounts(may_all)) == {person.pk}:
        raise LastSuperuserError(f"{person} is the last superuser: make somebody else one first")


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
