"""Seals the ledger: a chain of hashes over its entries, which brings a later rewrite to light.

The database refuses to change an entry, but the owner of its tables can switch that off. A seal is
the Merkle root over a batch of entries, chained to the seal before. Whoever has kept a head outside
of the database can tell later whether an entry up to it was changed, added or taken away.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from itertools import chain

from django.db import transaction

from accounts import merkle, prepared, report_database
from accounts.complete_rows import complete_until
from accounts.models import LedgerEntry, LedgerSeal

# A proof hashes its batch anew, which takes milliseconds for so many.
MAX_BATCH = 4096
FIRST_HEAD = bytes(32)
SALT_BYTES = 16
# All seals are checked on so many connections at once.
CONNECTIONS = 2
_BEFORE_ALL = -(2**63)

# A proof shows this text to the owner of the account. Who posted the entry, and for which cause, is
# not theirs to read: of that it has only the hash. A proof also shows the hash of the entry beside
# it, such as the friend's bonus, of which they know all but the balance: without the salt they
# could try every balance. `concat_ws` leaves a salt out that is NULL.
_DETAILS = """concat_ws('|', COALESCE(reverses_id::text, ''), COALESCE(posted_by_id::text, ''),
                        length(idempotency_key), idempotency_key, reference,
                        encode(seal.salt, 'hex'))"""
_TEXT = f"""
concat_ws('|', entry.id, user_id, number, kind, amount, balance_after,
          to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
          encode(sha256(convert_to({_DETAILS}, 'UTF8')), 'hex'), description)"""
_LEAF = f"sha256(decode('00', 'hex') || convert_to({_TEXT}, 'UTF8'))"
_BATCH = f"""
SELECT entry.id, {_LEAF} FROM ledger_entries entry, (SELECT %s::bytea) seal (salt)
WHERE entry.id > %s AND entry.id <= %s ORDER BY entry.id LIMIT %s
"""
_ENTRY = f"""
SELECT {_TEXT} FROM ledger_entries entry, (SELECT %s::bytea) seal (salt) WHERE entry.id = %s
"""
_ALL_BATCHES = f"""
SELECT seal.id, head_before, previous_head, root, head, leaves
FROM (SELECT *, lag(last_entry_id, 1, {_BEFORE_ALL}) OVER (ORDER BY id) AS after,
             lag(head) OVER (ORDER BY id) AS head_before FROM ledger_seals) seal
CROSS JOIN LATERAL (
    SELECT string_agg(hash, NULL) FROM (
        SELECT {_LEAF} AS hash FROM ledger_entries entry
        WHERE entry.id > seal.after AND entry.id <= seal.last_entry_id ORDER BY entry.id
    ) ordered
) batch (leaves)
WHERE mod(seal.id, %s) = %s
"""


@dataclass(frozen=True)
class Proof:
    """The way from the text of an entry to a head, in the terms of RFC 6962."""

    entry: str
    leaf_index: int
    tree_size: int
    audit_path: list[str]
    previous_head: str
    head: str
    sealed_at: datetime


def seal_new_entries(*, now: datetime) -> int:
    """Seal the entries that no seal covers yet, and return how many.

    Return 0 when there are none, or when a transaction that posts entries takes too long: its
    entries may have lower ids than those that are there. No posting waits for this.
    """
    until, sealed = complete_until(LedgerEntry), 0
    while until is not None and (size := _seal_batch(until, now=now)):
        sealed += size
    return sealed


@transaction.atomic
def _seal_batch(until: int, *, now: datetime) -> int:
    """Seal the next entries up to this id, and return how many."""
    before, salt = newest(), secrets.token_bytes(SALT_BYTES)
    after = before.last_entry_id if before else _BEFORE_ALL
    rows = prepared.fetch(_BATCH, [salt, after, until, MAX_BATCH])
    if rows:
        previous_head = bytes(before.head) if before else FIRST_HEAD
        root = merkle.root([leaf for _, leaf in rows])
        LedgerSeal.objects.create(
            last_entry_id=rows[-1][0],
            root=root,
            salt=salt,
            previous_head=previous_head,
            head=head_after(previous_head, root),
            sealed_at=now,
        )
    return len(rows)


def head_after(previous_head: bytes, root: bytes) -> bytes:
    return sha256(b"\x02" + previous_head + root).digest()


def newest() -> LedgerSeal | None:
    return LedgerSeal.objects.order_by("-pk").first()


def find(head: str) -> LedgerSeal | None:
    """Return the seal with this head, in hexadecimal."""
    try:
        return LedgerSeal.objects.filter(head=bytes.fromhex(head)).first()
    except ValueError:
        return None


def broken() -> list[tuple[int, str]]:
    """Return the id of each seal that does not match its entries or the seal before, and why."""
    # Inside a transaction other connections do not see what it has written.
    if report_database.connection().in_atomic_block:
        return sorted(_broken(1, 0))
    with report_database.threads(CONNECTIONS) as pool:
        parts = pool.map(partial(_broken_elsewhere, CONNECTIONS), range(CONNECTIONS))
        return sorted(chain.from_iterable(parts))


def _broken_elsewhere(parts: int, part: int) -> list[tuple[int, str]]:
    """Run in a thread, whose connection is its own."""
    try:
        return [*_broken(parts, part)]
    finally:
        report_database.connection().close()


def _broken(parts: int, part: int) -> Iterator[tuple[int, str]]:
    database = report_database.connection()
    with transaction.atomic(database.alias):
        with database.cursor() as cursor:
            # This reads every entry, by its id and not once for each seal.
            cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL enable_seqscan = off")
        with database.chunked_cursor() as cursor:
            cursor.execute(_ALL_BATCHES, [parts, part])
            while batches := cursor.fetchmany(20):
                for seal_id, head_before, previous_head, root, head, leaves in batches:
                    continues = previous_head == (head_before or FIRST_HEAD)
                    if not continues or head != head_after(previous_head, root):
                        yield seal_id, "it does not continue the seal before"
                    elif not leaves or merkle.root(_split(leaves)) != root:
                        yield seal_id, "its entries are not those that were sealed"


def _split(leaves: bytes) -> list[bytes]:
    return [leaves[place : place + 32] for place in range(0, len(leaves), 32)]


def prove(entry: LedgerEntry) -> Proof | None:
    """Return the proof that the entry is sealed, or None while it is not."""
    seals = LedgerSeal.objects.order_by("last_entry_id")
    seal = seals.filter(last_entry_id__gte=entry.pk).first()
    if seal is None:
        return None
    before = seals.filter(last_entry_id__lt=entry.pk).last()
    after = before.last_entry_id if before else _BEFORE_ALL
    salt = bytes(seal.salt) if seal.salt else None
    rows = prepared.fetch(_BATCH, [salt, after, seal.last_entry_id, None])
    [(text,)] = prepared.fetch(_ENTRY, [salt, entry.pk])
    index = [entry_id for entry_id, _ in rows].index(entry.pk)
    path = merkle.audit_path([leaf for _, leaf in rows], index)
    return Proof(
        entry=text,
        leaf_index=index,
        tree_size=len(rows),
        audit_path=[step.hex() for step in path],
        previous_head=bytes(seal.previous_head).hex(),
        head=bytes(seal.head).hex(),
        sealed_at=seal.sealed_at,
    )
