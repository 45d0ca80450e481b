"""The only door to money: a balance changes by a posted entry, or not at all (CONTRACT 3)."""

from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet

from accounts.models import LedgerEntry, User
from accounts.money import CENT


class InvalidAmountError(ValueError):
    """The amount is no sum of whole cents above or below zero."""


class UnknownAccountError(LookupError):
    """There is no user of this id."""


class IdempotencyConflictError(RuntimeError):
    """The key names an entry already, and that one says something else."""


def lock_accounts(accounts: QuerySet[User]) -> dict[int, User]:
    """Lock these users' balances until the transaction ends, and return them fresh, by id.

    Every transaction that touches more than one account takes its locks here, in one statement
    and in ascending order of id: two that need the same pair cannot wait for each other.
    """
    locked = accounts.select_for_update(no_key=True, of=("self",)).order_by("id")
    return {user.pk: user for user in locked}


def in_debt() -> QuerySet[User]:
    """Return whose balance is below zero: each has an entry that says so, and of these are few.

    An index on the balances themselves would slow down whatever changes one.
    """
    once = LedgerEntry.objects.filter(balance_after__lt=0).values("user")
    return User.objects.filter(credits__lt=0, pk__in=once)


@dataclass(frozen=True, kw_only=True)
class Posting:
    """An entry that is to be posted; `amount` in US dollars, and the key names its cause."""

    user_id: int
    kind: LedgerEntry.Kind
    amount: Decimal
    idempotency_key: str
    description: str
    reference: str = ""
    reverses_id: int | None = None


# The entries read the balances under the rows' locks and the balances follow the entries, in one
# statement: there is no moment at which one is there without the other. A repeated key inserts
# nothing, and so moves nothing.
_POST = """
WITH asked AS (
    SELECT * FROM unnest(
        %(user_id)s::bigint[], %(kind)s::text[], %(amount)s::numeric[],
        %(idempotency_key)s::text[], %(description)s::text[], %(reference)s::text[],
        %(reverses_id)s::bigint[]
    ) AS posting (user_id, kind, amount, idempotency_key, description, reference, reverses_id)
), account AS (
    SELECT id, credits FROM users WHERE id = ANY(%(user_id)s) ORDER BY id FOR NO KEY UPDATE
), entry AS (
    INSERT INTO ledger_entries (user_id, kind, amount, balance_after, idempotency_key,
                                description, reference, reverses_id, posted_by_id, created_at)
    SELECT user_id, kind, amount, credits + amount, idempotency_key,
           description, reference, reverses_id, %(posted_by_id)s::bigint, %(now)s
    FROM asked JOIN account ON account.id = asked.user_id ORDER BY account.id
    ON CONFLICT (idempotency_key) DO NOTHING
    RETURNING *
), balance AS (
    UPDATE users SET credits = entry.balance_after FROM entry WHERE users.id = entry.user_id
)
SELECT * FROM entry
"""


def post_all(*postings: Posting, now: datetime, posted_by: User | None = None) -> list[LedgerEntry]:
    """Post an entry to each of several accounts and move their balances, once per key.

    Posting again with the same keys changes nothing and returns the entries that are there. Call
    it inside a transaction when there are several: they are raised about after they are written.

    Raises InvalidAmountError, UnknownAccountError, and IdempotencyConflictError when a key was
    used for another user, kind or amount.
    """
    if len({posting.user_id for posting in postings}) < len(postings):
        raise ValueError("several entries of one account are posted one after the other")
    for posting in postings:
        _require_whole_cents(posting.amount)
    columns = {
        field.name: [getattr(posting, field.name) for posting in postings]
        for field in fields(Posting)
    }
    params = columns | {"posted_by_id": posted_by and posted_by.pk, "now": now}
    posted = {entry.idempotency_key: entry for entry in LedgerEntry.objects.raw(_POST, params)}
    return [posted.get(posting.idempotency_key) or _existing(posting) for posting in postings]


def _require_whole_cents(amount: Decimal) -> None:
    if not amount.is_finite() or amount == 0 or amount != amount.quantize(CENT):
        raise InvalidAmountError(f"{amount} is not an amount of whole cents other than zero")


def _existing(posting: Posting) -> LedgerEntry:
    entry = LedgerEntry.objects.filter(idempotency_key=posting.idempotency_key).first()
    if entry is None:
        raise UnknownAccountError(f"there is no user {posting.user_id}")
    said = (entry.user_id, entry.kind, entry.amount)
    if said != (posting.user_id, posting.kind, posting.amount):
        raise IdempotencyConflictError(
            f"{posting.idempotency_key} is entry {entry.pk}: {entry} of user {entry.user_id}"
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
    """Post the opposite of each entry, once: reversing again returns the reversal that is there."""
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
