"""The only door to money: a balance changes by a posted entry, or not at all (CONTRACT 3)."""

from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet

from accounts.models import LedgerEntry, User

CENT = Decimal("0.01")


class InvalidAmountError(ValueError):
    """The amount is no sum of whole cents above or below zero."""


class UnknownAccountError(LookupError):
    """There is no user of this id."""


class IdempotencyConflictError(RuntimeError):
    """The key names an entry already, and that one says something else."""


def dollars(cents: int) -> Decimal:
    """Return an amount in Stripe's cents as US dollars."""
    return Decimal(cents) / 100


def lock_accounts(accounts: QuerySet[User]) -> dict[int, User]:
    """Lock these users' balances until the transaction ends, and return them fresh, by id.

    Every transaction that touches more than one account takes its locks here, in one statement
    and in ascending order of id: two that need the same pair cannot wait for each other.
    """
    locked = accounts.select_for_update(no_key=True, of=("self",)).order_by("id")
    return {user.pk: user for user in locked}


# The entry reads the balance under the row's lock and the balance follows the entry, in one
# statement: there is no moment at which one is there without the other. A repeated key inserts
# nothing, and so moves nothing.
_POST = """
WITH account AS (
    SELECT id, credits FROM users WHERE id = %(user_id)s FOR NO KEY UPDATE
), entry AS (
    INSERT INTO ledger_entries (user_id, kind, amount, balance_after, idempotency_key,
                                description, reference, reverses_id, posted_by_id, created_at)
    SELECT id, %(kind)s, %(amount)s, credits + %(amount)s, %(idempotency_key)s,
           %(description)s, %(reference)s, %(reverses_id)s, %(posted_by_id)s, %(now)s
    FROM account
    ON CONFLICT (idempotency_key) DO NOTHING
    RETURNING *
), balance AS (
    UPDATE users SET credits = entry.balance_after FROM entry WHERE users.id = entry.user_id
)
SELECT * FROM entry
"""


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
    reverses: LedgerEntry | None = None,
) -> LedgerEntry:
    """Post an entry of `amount` US dollars and move the balance by it, once per key.

    Posting again with the same key changes nothing and returns the entry that is there.

    Raises InvalidAmountError, UnknownAccountError, and IdempotencyConflictError when the key was
    used for another user, kind or amount.
    """
    if not amount.is_finite() or amount == 0 or amount != amount.quantize(CENT):
        raise InvalidAmountError(f"{amount} is not an amount of whole cents other than zero")
    params = {
        "user_id": user_id,
        "kind": kind.value,
        "amount": amount,
        "idempotency_key": idempotency_key,
        "description": description,
        "reference": reference,
        "reverses_id": reverses and reverses.pk,
        "posted_by_id": posted_by and posted_by.pk,
        "now": now,
    }
    for entry in LedgerEntry.objects.raw(_POST, params):
        return entry
    return _existing(user_id=user_id, kind=kind, amount=amount, idempotency_key=idempotency_key)


def _existing(
    *, user_id: int, kind: LedgerEntry.Kind, amount: Decimal, idempotency_key: str
) -> LedgerEntry:
    entry = LedgerEntry.objects.filter(idempotency_key=idempotency_key).first()
    if entry is None:
        raise UnknownAccountError(f"there is no user {user_id}")
    if (entry.user_id, entry.kind, entry.amount) != (user_id, kind, amount):
        raise IdempotencyConflictError(
            f"{idempotency_key} is entry {entry.pk}: {entry} of user {entry.user_id}"
        )
    return entry


def reverse(
    entry: LedgerEntry,
    *,
    idempotency_key: str,
    description: str,
    now: datetime,
    posted_by: User | None = None,
) -> LedgerEntry:
    """Post the opposite of `entry`; the database lets an entry be reversed once.

    Raises IntegrityError (`ledger_entries_reverses_id_key`) when another cause has reversed it.
    """
    return post(
        user_id=entry.user_id,
        kind=LedgerEntry.Kind.REVERSAL,
        amount=-entry.amount,
        idempotency_key=idempotency_key,
        description=description,
        now=now,
        reference=entry.reference,
        posted_by=posted_by,
        reverses=entry,
    )
