"""The only way to change a balance: post a ledger entry (CONTRACT 3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from django.db.models import QuerySet

from accounts import prepared
from accounts.errors import AccountError
from accounts.models import LedgerEntry, User
from accounts.money import CENT

# The description of a referrer's bonus.
OF_A_FRIEND = "Bonus for inviting a friend"


class LedgerError(AccountError):
    """An entry was refused."""


class InvalidAmountError(LedgerError):
    """The amount is zero or not in whole cents."""


class UnknownAccountError(LedgerError):
    """No user has this id."""


class IdempotencyConflictError(LedgerError):
    """The key belongs to an earlier entry with another user, kind or amount."""


def lock_accounts(accounts: QuerySet[User]) -> dict[int, User]:
    """Lock these users until the transaction ends, and return them as they are now, by id.

    Every transaction that locks more than one account does it here: one statement, in ascending
    order of id. So two transactions that need the same pair cannot deadlock.
    """
    # NO KEY UPDATE: a plain FOR UPDATE would also block inserts that refer to the user.
    locked = accounts.select_for_update(no_key=True, of=("self",)).order_by("id")
    return {user.pk: user for user in locked}


def in_debt() -> QuerySet[User]:
    """Return the users with a balance below zero."""
    # By way of the few entries that left a balance below zero, which have a partial index: an index
    # on `credits` itself would make every posting slower.
    once = LedgerEntry.objects.filter(balance_after__lt=0).values("user")
    return User.objects.filter(credits__lt=0, pk__in=once)


def describe(entry: LedgerEntry) -> str:
    """Return the description for the owner of the entry; every page, answer and file asks here."""
    # Descriptions of earlier versions name the friend, who may not want to be named any more.
    if entry.kind == LedgerEntry.Kind.REFERRER_BONUS:
        return OF_A_FRIEND
    return entry.description


@dataclass(frozen=True, kw_only=True)
class Posting:
    """An entry to post; `amount` in US dollars. The idempotency key names the cause."""

    user_id: int
    kind: LedgerEntry.Kind
    amount: Decimal
    idempotency_key: str
    description: str
    reference: str = ""
    reverses_id: int | None = None


_FIELDS = [field.attname for field in LedgerEntry._meta.concrete_fields]
_COLUMNS = ", ".join(_FIELDS)


@cache
def posting_sql(count: int, *, also_set: str = "") -> str:
    """Return the common table expressions that post `count` entries, for a statement's WITH.

    They lock the accounts, insert the entries and set the balances, so none of these can happen
    alone. `entry` then holds the new rows. `also_set` is a further assignment on those users.
    """
    # FOR NO KEY UPDATE returns the balance as it is after waiting for the lock, and ORDER BY takes
    # the locks in the order of `lock_accounts`. ON CONFLICT: a repeated key inserts no entry, and
    # so changes no balance.
    postings = ", ".join(
        f"({number}, %(user_id_{number})s::bigint, %(kind_{number})s, %(amount_{number})s::numeric,"
        f" %(idempotency_key_{number})s, %(description_{number})s, %(reference_{number})s,"
        f" %(reverses_id_{number})s::bigint)"
        for number in range(count)
    )
    return f"""
posting (number, user_id, kind, amount, idempotency_key, description, reference, reverses_id) AS (
    VALUES {postings}
), account AS MATERIALIZED (
    SELECT id, credits FROM users WHERE id IN (SELECT user_id FROM posting)
    ORDER BY id FOR NO KEY UPDATE
), entry AS (
    INSERT INTO ledger_entries (user_id, kind, amount, balance_after, idempotency_key,
                                description, reference, reverses_id, posted_by_id, created_at)
    SELECT user_id, kind, amount,
           credits + SUM(amount) OVER (PARTITION BY user_id ORDER BY posting.number),
           idempotency_key, description, reference, reverses_id,
           %(posted_by_id)s::bigint, %(now)s::timestamptz
    FROM posting JOIN account ON account.id = user_id ORDER BY posting.number
    ON CONFLICT (idempotency_key) DO NOTHING
    RETURNING *
), balance AS (
    UPDATE users SET credits = credits + posted.amount{also_set}
    FROM (SELECT user_id, SUM(amount) AS amount FROM entry GROUP BY user_id) posted
    WHERE users.id = posted.user_id
)"""


def posting_params(
    postings: Sequence[Posting], *, now: datetime, posted_by: User | None = None
) -> dict[str, Any]:
    """Return the parameters of `posting_sql`. Raises InvalidAmountError."""
    for amount in (posting.amount for posting in postings):
        if not amount.is_finite() or amount == 0 or amount != amount.quantize(CENT):
            raise InvalidAmountError(f"{amount} is zero or not in whole cents")
    params = {
        f"{name}_{number}": value
        for number, posting in enumerate(postings)
        for name, value in vars(posting).items()
    }
    return params | {"posted_by_id": posted_by and posted_by.pk, "now": now}


def post_all(*postings: Posting, now: datetime, posted_by: User | None = None) -> list[LedgerEntry]:
    """Post one entry to each of several accounts and change their balances, once per key.

    A repeated call with the same keys changes nothing and returns the existing entries. Call it in
    a transaction: when it raises about one entry, the others are written already.

    Raises InvalidAmountError, UnknownAccountError, and IdempotencyConflictError when a key was
    used for another user, kind or amount.
    """
    rows = prepared.fetch(
        f"WITH {posting_sql(len(postings))} SELECT {_COLUMNS} FROM entry",
        posting_params(postings, now=now, posted_by=posted_by),
    )
    entries = (LedgerEntry.from_db(None, _FIELDS, row) for row in rows)
    posted = {entry.idempotency_key: entry for entry in entries}
    return [posted.get(posting.idempotency_key) or _existing(posting) for posting in postings]


def _existing(posting: Posting) -> LedgerEntry:
    entry = LedgerEntry.objects.filter(idempotency_key=posting.idempotency_key).first()
    if entry is None:
        raise UnknownAccountError(f"no user has the id {posting.user_id}")
    existing = (entry.user_id, entry.kind, entry.amount)
    if existing != (posting.user_id, posting.kind, posting.amount):
        raise IdempotencyConflictError(
            f"{posting.idempotency_key} is the key of entry {entry.pk}: {entry}, not of this one"
        )
    return entry


def post(
    *,
    user_id: int,
    kind: LedgerEntry.Kind,
    amount: Decimal,
    idempotency_key: str,
    description: str,
    now: datetime,
    reference: str = "",
    posted_by: User | None = None,
) -> LedgerEntry:
    """Post one entry of `amount` US dollars; see `post_all`."""
    posting = Posting(
        user_id=user_id,
        kind=kind,
        amount=amount,
        idempotency_key=idempotency_key,
        description=description,
        reference=reference,
    )
    [entry] = post_all(posting, now=now, posted_by=posted_by)
    return entry


def reverse(
    *entries: LedgerEntry, description: str, now: datetime, posted_by: User | None = None
) -> list[LedgerEntry]:
    """Post the opposite of each entry, once; a repeated call returns the existing reversals."""
    reversals = (
        Posting(
            user_id=entry.user_id,
            kind=LedgerEntry.Kind.REVERSAL,
            amount=-entry.amount,
            idempotency_key=f"reversal:entry:{entry.pk}",
            description=description,
            reference=entry.reference,
            reverses_id=entry.pk,
        )
        for entry in entries
    )
    return post_all(*reversals, now=now, posted_by=posted_by)
