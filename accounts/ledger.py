"""The only way to change a balance: post a ledger entry (CONTRACT 3)."""

from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet

from accounts.errors import AccountError
from accounts.models import LedgerEntry, User
from accounts.money import CENT


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


# One statement locks the accounts, inserts the entries and sets the balances, so none of them can
# happen alone. FOR NO KEY UPDATE returns the balance as it is after waiting for the lock, and ORDER
# BY takes the locks in the order of `lock_accounts`. ON CONFLICT: a repeated key inserts no entry,
# and so changes no balance.
_POST = """
WITH posting AS (
    SELECT * FROM unnest(
        %(user_id)s::bigint[], %(kind)s::text[], %(amount)s::numeric[],
        %(idempotency_key)s::text[], %(description)s::text[], %(reference)s::text[],
        %(reverses_id)s::bigint[]
    ) AS columns (user_id, kind, amount, idempotency_key, description, reference, reverses_id)
), account AS (
    SELECT id, credits FROM users WHERE id = ANY(%(user_id)s) ORDER BY id FOR NO KEY UPDATE
), entry AS (
    INSERT INTO ledger_entries (user_id, kind, amount, balance_after, idempotency_key,
                                description, reference, reverses_id, posted_by_id, created_at)
    SELECT user_id, kind, amount, credits + amount, idempotency_key,
           description, reference, reverses_id, %(posted_by_id)s::bigint, %(now)s
    FROM posting JOIN account ON account.id = posting.user_id ORDER BY account.id
    ON CONFLICT (idempotency_key) DO NOTHING
    RETURNING *
), balance AS (
    UPDATE users SET credits = entry.balance_after FROM entry WHERE users.id = entry.user_id
)
SELECT * FROM entry
"""


def post_all(*postings: Posting, now: datetime, posted_by: User | None = None) -> list[LedgerEntry]:
    """Post one entry to each of several accounts and change their balances, once per key.

    A repeated call with the same keys changes nothing and returns the existing entries. Call it in
    a transaction: when it raises about one entry, the others are written already.

    Raises InvalidAmountError, UnknownAccountError, and IdempotencyConflictError when a key was
    used for another user, kind or amount.
    """
    if len({posting.user_id for posting in postings}) < len(postings):
        # The statement reads each balance once, so a second entry would start from the old one.
        raise ValueError("post the entries of one account one after the other")
    for amount in (posting.amount for posting in postings):
        if not amount.is_finite() or amount == 0 or amount != amount.quantize(CENT):
            raise InvalidAmountError(f"{amount} is zero or not in whole cents")
    columns = {
        field.name: [getattr(posting, field.name) for posting in postings]
        for field in fields(Posting)
    }
    params = columns | {"posted_by_id": posted_by and posted_by.pk, "now": now}
    posted = {entry.idempotency_key: entry for entry in LedgerEntry.objects.raw(_POST, params)}
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
    return post_all(posting, now=now, posted_by=posted_by)[0]


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
