"""Finds people, and changes their accounts; nobody is deleted (CONTRACT 2.8)."""

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connections, transaction
from django.db.models import Q, QuerySet, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Lower
from django.db.models.lookups import Contains, Exact, StartsWith

from accounts import audit, ledger, mailboxes, names, permissions, row_ids
from accounts.errors import AccountError
from accounts.models import User
from accounts.preferences import EmailKind

# A shorter text would match too many people to be of use.
_MIN_LENGTH = 3
_MAX_MATCHES = 1000
# The index of parts has only letters and digits, three by three; any other text would read it all.
_INDEXED = re.compile(r"[^\W_]{3}")


class ErasedError(AccountError):
    """The person was erased: nobody could use the account."""


class OwnAccountError(AccountError):
    """The operator's own account, which they could not reactivate after deactivating it."""


class SuperuserRequiredError(AccountError):
    """Only a superuser may manage the account of staff."""


class LastSuperuserError(AccountError):
    """Without a superuser nobody could manage staff."""


class SeveralPeopleError(AccountError):
    """The text matches several people: a user name may equal another person's e-mail or code."""

    def __init__(self, text: str, people: Iterable[User]) -> None:
        matches = ", ".join(f"#{user.pk} {user.username}" for user in people)
        super().__init__(f"{text!r} may be {matches}: use the number, like #12")


def find(text: str, *others: int) -> User:
    """Return the one person with this user name, e-mail address, code or id.

    `#12` is always an id, because no user name begins with #. `others` are the ids of more people
    who match. Raises User.DoesNotExist and SeveralPeopleError.
    """
    term = text.strip()
    if term.startswith("#"):
        return User.objects.get(Q(pk=row_ids.parse(term[1:])))
    # Only ASCII: upper() turns letters of other alphabets, such as the long s, into ours.
    code = term.upper() if term.isascii() else ""
    matches = name_is(term) | Q(referral_code=code) | Q(pk=row_ids.parse(term)) | Q(pk__in=others)
    found = list(User.objects.filter(matches).order_by("pk"))
    if not found:
        raise User.DoesNotExist
    if len(found) > 1:
        raise SeveralPeopleError(term, found)
    return found[0]


def with_email(email: str) -> User | None:
    """Return the person with this e-mail address, in any case."""
    return User.objects.filter(Exact(Lower("email"), Lower(Value(email)))).first()


def name_is(term: str) -> Q:
    """Match people with exactly this user name or e-mail, in any case."""
    return _compare_name(Exact, term)


def name_has(term: str) -> Q:
    """Match people whose user name or e-mail contains this, in any case.

    A term without three letters or digits in a row matches a beginning; a shorter one nobody.
    """
    return _compare_name(Contains, term) if has_trigram(term) else name_starts_with(term)


def has_trigram(term: str) -> bool:
    """Return whether an index of trigrams finds texts that contain this."""
    return _INDEXED.search(term) is not None


def name_starts_with(term: str) -> Q:
    """Match people whose user name or e-mail starts with this; a short term matches nobody."""
    return _compare_name(StartsWith, term) if len(term) >= _MIN_LENGTH else Q(pk=None)


def owned_by(term: str, *owners: str) -> list[Q]:
    """Return conditions for the rows of the people whom `named` finds; `owners` are the columns."""
    found = [listed(ids) for ids in named(term)]
    return [Q(**{f"{owner}__in": ids}) for owner in owners or ("user",) for ids in found]


def named(term: str) -> list[list[int]]:
    """Return the ids of who has exactly this name or e-mail, and of others whose has it in it.

    These stop at 1,000 people, because the rows of more would be half of a table. They are looked
    for now, and once: a list asks for its rows in several ways, and the index takes 30 ms for a
    million people.
    """
    people = User.objects.order_by().values_list("pk", flat=True)
    exactly = list(people.filter(name_is(term)))
    others = set(people.filter(name_has(term))[:_MAX_MATCHES]).difference(exactly)
    return [ids for ids in (exactly, list(others)) if ids]


def listed(ids: list[int]) -> RawSQL:
    """Return the ids as a subquery with one parameter, whatever their number."""
    return RawSQL("SELECT unnest(%s::bigint[])", (ids,))


def _compare_name(comparison: type[Contains | Exact | StartsWith], term: str) -> Q:
    # Lower() on both sides is the expression of the unique indexes, so PostgreSQL can use them;
    # Django's iexact and istartswith use UPPER(), which has no index.
    value = Lower(Value(term))
    return Q(comparison(Lower("username"), value)) | Q(comparison(Lower("email"), value))


_BATCH = 5000
# Locks the rows in settlement's order. Not where the value was changed since it was read, which has
# folded it too.
_REFOLD = """
WITH folded AS (
    SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS folded (id, source, value)
), locked AS MATERIALIZED (
    SELECT id FROM users WHERE id IN (SELECT id FROM folded) ORDER BY id FOR NO KEY UPDATE
)
UPDATE users SET {column} = folded.value FROM locked JOIN folded USING (id)
WHERE users.id = locked.id AND users.{source} = folded.source
"""


def fold_missing() -> int:
    """Fold what another program, or the version before, wrote without; return how many rows.

    A person whose name is somebody else's without regard to case stays without.
    """
    return refold_mailboxes(User.objects.filter(mailbox=None)) + sum(
        _fold_name(*person)
        for person in User.objects.filter(username_folded=None).values_list("pk", "username")
    )


def _fold_name(pk: int, username: str) -> int:
    same = User.objects.filter(pk=pk, username=username)
    # A row of its own each: a change of what is unique takes a stronger lock than settlement's.
    with suppress(IntegrityError), transaction.atomic():
        return same.update(username_folded=names.fold(username))
    return 0


def refold_mailboxes(users: QuerySet[User]) -> int:
    """Fold every address again, and return how many mailboxes have changed."""
    return _refold(
        users, "mailbox", "email", lambda email: mailboxes.fold(email)[: mailboxes.MAX_LENGTH]
    )


def fold_names(users: QuerySet[User]) -> int:
    """Fold every user name, and return how many have changed."""
    return _refold(users, "username_folded", "username", names.fold)


def _refold(users: QuerySet[User], column: str, source: str, fold: Callable[[str], str]) -> int:
    """Fold a batch of rows at a time, so that nobody waits for them."""
    changed = last = 0
    rows = users.order_by("pk").values_list("pk", source, column)
    while batch := list(rows.filter(pk__gt=last)[:_BATCH]):
        last = batch[-1][0]
        folded = [(pk, text, fold(text), was) for pk, text, was in batch]
        stale = [row[:3] for row in folded if row[2] != row[3]]
        if stale:
            with connections[users.db].cursor() as cursor:
                sql = _REFOLD.format(column=column, source=source)
                cursor.execute(sql, [list(values) for values in zip(*stale, strict=True)])
                changed += cursor.rowcount
    return changed


def deactivate(user: User, *, by: User | None, reason: str, now: datetime) -> User:
    """Close the account: its keys and log-in stop working, its invitations earn nothing.

    Return the user as they are now. A repeated call changes and records nothing. `by` is None for
    the command line. Raises OwnAccountError, SuperuserRequiredError and ReasonMissingError.
    """
    return _set_active(user, False, "deactivate", by=by, reason=reason, now=now)


def reactivate(user: User, *, by: User | None, reason: str, now: datetime) -> User:
    """Open the account again; see `deactivate`. Raises ErasedError too."""
    return _set_active(user, True, "reactivate", by=by, reason=reason, now=now)


def preferences(user: User) -> dict[str, Any]:
    """Return what `user` has chosen; of e-mails, whether each kind is on."""
    fields = ("show_on_leaderboard", "show_to_referrer", "emails_off")
    chosen: dict[str, Any] = User.objects.values(*fields).get(pk=user.pk)
    off = chosen.pop("emails_off")
    return chosen | {"emails": {kind.value: kind not in off for kind in EmailKind}}


@transaction.atomic
def update_preferences(
    user: User, *, emails: Mapping[str, bool] | None = None, **choices: Any
) -> None:
    """Change what `user` has chosen.

    `emails` switches kinds on or off; `choices` are `show_on_leaderboard` and `show_to_referrer`.
    """
    # Lock the user: two requests at once may each switch another kind.
    locked = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    for kind, is_on in (emails or {}).items():
        others = [other for other in locked.emails_off if other != kind]
        locked.emails_off = others if is_on else [*others, kind]
    for name, value in choices.items():
        setattr(locked, name, value)
    locked.save(update_fields=["emails_off", *choices])


def is_manageable(person: User, *, by: User) -> bool:
    """Return whether `by` may manage this account: only superusers manage staff."""
    return by.is_superuser or not (person.is_staff or person.is_superuser)


def require_manageable(person: User, *, by: User) -> None:
    """Raise SuperuserRequiredError unless `by` may manage this account."""
    if not is_manageable(person, by=by):
        raise SuperuserRequiredError(f"{person} is staff: ask a superuser")


def require_may_deactivate(person: User, *, by: User) -> None:
    """Raise unless `by` may deactivate `person`.

    Raises PermissionMissingError, OwnAccountError or SuperuserRequiredError.
    """
    permissions.require("accounts.deactivate_user", by=by)
    if by == person:
        raise OwnAccountError("you cannot deactivate your own account")
    require_manageable(person, by=by)


def require_another_superuser(person: User) -> None:
    """Raise LastSuperuserError if `person` is the only superuser: nobody could appoint another."""
    # Locks all superusers until the transaction ends; else two who demote each other at once would
    # both pass.
    superusers = User.objects.filter(is_active=True, is_staff=True, is_superuser=True)
    if set(ledger.lock_accounts(superusers)) == {person.pk}:
        raise LastSuperuserError(f"{person} is the last superuser: make another person one first")


@transaction.atomic
def _set_active(
    user: User, is_active: bool, action: str, *, by: User | None, reason: str, now: datetime
) -> User:
    person = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if by:
        require_may_deactivate(person, by=by)
    if person.is_active == is_active:
        return person
    if person.erased_at:
        raise ErasedError(f"{person} was erased, and stays so")
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
