"""Fills an empty database with people, purchases, referrals and entries.

The rows obey every invariant of `check_ledger`. Triggers and foreign keys are off meanwhile.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.core.management import call_command
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from accounts import api_keys
from gatewayz.benchmarks import loader_variety

# How many friends of each referrer have bought.
FRIENDS = 8


@dataclass(frozen=True)
class Size:
    """How much is loaded. The first `referrers` people have FRIENDS friends each.

    The friends are spread over the people who follow: each `every`-th is one.
    """

    people: int
    purchases_each: int
    referrers: int

    @property
    def every(self) -> int:
        return (self.people - self.referrers) // (self.referrers * FRIENDS)

    @classmethod
    def of(cls, people: int) -> "Size":
        """Return a size with 3 purchases for each person, and 3 referrals for every 10 people."""
        return cls(people, purchases_each=3, referrers=people * 3 // (10 * FRIENDS))


def key_of(person_id: int) -> str:
    """Return the API key of a loaded person."""
    return f"gw_live_{person_id:043}"


def code_of(person_id: int) -> str:
    return f"B{person_id:07}"


# A referrer's friend of the first round is use 1 of the code, of the second round use 2, ...
_PEOPLE = """
INSERT INTO users (id, password, is_superuser, username, first_name, last_name, is_staff, is_active,
                   email, credits, referral_code, referred_by_code, has_made_first_purchase,
                   auth_method, signup_address, show_on_leaderboard, created_at, username_folded,
                   mailbox)
SELECT id, '!', false, 'person' || id, '', '', false, true, 'person' || id || '@example.com', 0,
       'B' || lpad(id::text, 7, '0'),
       CASE WHEN id > %(referrers)s AND (id - %(referrers)s - 1) %% %(every)s = 0
                 AND nth < %(referrers)s * %(friends)s
            THEN 'B' || lpad((1 + nth %% %(referrers)s)::text, 7, '0') END,
       %(purchases)s > 0, 'email', '', false,
       date_trunc('hour', now()) - interval '200 days' * (1 - id::float / %(people)s)
           - interval '1 day', 'person' || id, 'person' || id || '@example.com'
FROM generate_series(1, %(people)s::bigint) id,
     LATERAL (SELECT (id - %(referrers)s - 1) / %(every)s) friend (nth)
"""

# Each person has a range of ids for payments and for entries, so that ids grow with time, and a row
# can name the entries that are written after it: the purchases, the bonuses of both sides, what was
# taken back, and an adjustment. One more payment may be unpaid.
_PAYMENTS = """
INSERT INTO payments (id, user_id, amount, currency, status, success_url, cancel_url, session_id,
                      payment_intent_id, checkout_url, created_at, paid_at, bonus_decision, checks,
                      taken_back, card_fingerprint, card_checked_at, ledger_entry_id, referral_id)
SELECT (u.id - 1) * (%(purchases)s + 1) + nth, u.id, 1000 + 500 * nth, 'usd', 'paid', '', '',
       'cs_load_' || nth || '_' || u.id, 'pi_load_' || nth || '_' || u.id, '', at, at,
       CASE WHEN nth > 1 THEN 'not_first' WHEN u.referred_by_code IS NULL THEN 'not_referred'
            ELSE 'awarded' END,
       '[]', 0, '', at, (u.id - 1) * (%(purchases)s + 4) + nth,
       CASE WHEN nth = 1 AND u.referred_by_code IS NOT NULL THEN u.id END
FROM generate_series(1, %(purchases)s) nth, users u,
     LATERAL (SELECT u.created_at + interval '1 hour' * nth) moment (at)
"""

_REFERRALS = """
INSERT INTO referrals (id, referrer_id, referred_user_id, referral_code, bonus_amount,
                       referee_bonus_amount, status, completed_at, program_id, max_uses,
                       use_number, awards, purchase_qualifies, review, hold_reason,
                       is_same_address, review_note, referrer_entry_id, referee_entry_id)
SELECT u.id, referrer.id, u.id, u.referred_by_code, 10, 10, 'completed',
       u.created_at + interval '1 hour', (SELECT min(id) FROM programs), 10,
       (u.id - %(referrers)s - 1) / %(every)s / %(referrers)s + 1, 1, true, 'none', '', false, '',
       u.id * (%(purchases)s + 4) - 3, u.id * (%(purchases)s + 4) - 2
FROM users u JOIN users referrer ON referrer.referral_code = u.referred_by_code
"""

_ENTRIES = """
INSERT INTO ledger_entries (id, user_id, kind, amount, balance_after, number, idempotency_key,
                            description, reference, created_at)
SELECT id, user_id, kind, amount, SUM(amount) OVER entries, ROW_NUMBER() OVER entries,
       idempotency_key, '', '', at
FROM (
    SELECT ledger_entry_id AS id, user_id, 'purchase' AS kind, amount / 100.0 AS amount,
           paid_at AS at, 'purchase:payment:' || id AS idempotency_key FROM payments
    WHERE status = 'paid'
    UNION ALL
    SELECT referrer_entry_id, referrer_id, 'referrer_bonus', bonus_amount, completed_at,
           'referrer_bonus:user:' || referred_user_id || ':1' FROM referrals
    WHERE status = 'completed'
    UNION ALL
    SELECT referee_entry_id, referred_user_id, 'referee_bonus', referee_bonus_amount, completed_at,
           'referee_bonus:user:' || referred_user_id || ':1' FROM referrals
    WHERE status = 'completed'
    UNION ALL
    SELECT c.ledger_entry_id, user_id, kind, -taken / 100.0, c.created_at,
           kind || ':load:' || c.id FROM clawbacks c JOIN payments ON payments.id = payment_id
    WHERE taken > 0
    UNION ALL
    SELECT ledger_entry_id, user_id, 'adjustment', amount, requested_at, 'adjustment:load:' || id
    FROM adjustments WHERE status = 'posted'
) posted
WINDOW entries AS (PARTITION BY user_id ORDER BY at, id
                   ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
ORDER BY at
"""

_BALANCES = """
UPDATE users SET credits = total
FROM (SELECT user_id, SUM(amount) AS total FROM ledger_entries GROUP BY user_id) posted
WHERE user_id = users.id
"""


def load(size: Size, *, is_varied: bool = False) -> None:
    """Fill the empty, migrated database; varied: with rows of every kind, rare ones too."""
    params = {
        "people": size.people,
        "purchases": size.purchases_each,
        "referrers": size.referrers,
        "friends": FRIENDS,
        "every": size.every,
    }
    with _without_triggers() as cursor:
        variety = loader_variety.STATEMENTS if is_varied else ()
        for statement in (_PEOPLE, _PAYMENTS, _REFERRALS, *variety, _ENTRIES):
            cursor.execute(statement, params)
        cursor.execute(_BALANCES)
        for table in ("users", "payments", "referrals", "ledger_entries"):
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"
            )
    if is_varied:
        loader_variety.close_some()


def fill(referrers: int) -> None:
    """Give the empty database so many people with friends, a key and an order."""
    call_command("migrate", verbosity=0)
    load(Size(referrers * (FRIENDS + 2), purchases_each=1, referrers=referrers))
    add_keys(1, referrers)


def add_keys(first: int, last: int) -> None:
    """Give each of these people an API key."""
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY api_keys (user_id, name, prefix, digest, created_at) FROM STDIN") as rows,
    ):
        for person_id in range(first, last + 1):
            key = key_of(person_id)
            digest = api_keys.digests(key)[0]
            rows.write_row((person_id, "", api_keys.prefix(key), digest, "2026-01-01"))


_BUYERS = """
WITH buyer AS (
    INSERT INTO users (password, is_superuser, username, first_name, last_name, is_staff, is_active,
                       email, credits, referral_code, referred_by_code, has_made_first_purchase,
                       auth_method, signup_address, show_on_leaderboard, created_at,
                       username_folded, mailbox)
    SELECT '!', false, %(batch)s || n, '', '', false, true, %(batch)s || n || '@example.com', 0,
           'C' || %(batch)s || lpad(n::text, 6, '0'),
           CASE WHEN n > %(codes)s
                THEN 'C' || %(batch)s || lpad((1 + n %% %(codes)s)::text, 6, '0') END,
           false, 'email', '', false, now(), lower(%(batch)s) || n,
           lower(%(batch)s) || n || '@example.com'
    FROM generate_series(1, %(count)s + %(codes)s) n RETURNING id
)
INSERT INTO payments (user_id, amount, currency, status, success_url, cancel_url, session_id,
                      checkout_url, created_at, bonus_decision, checks, taken_back,
                      card_fingerprint)
SELECT id, 1000, 'usd', 'pending', '', '', 'cs_bench_' || id, '', now(), '', '[]', 0, ''
FROM buyer ORDER BY id OFFSET %(codes)s
RETURNING id, user_id, session_id
"""


@dataclass(frozen=True)
class Order:
    """An unpaid purchase of somebody who registered with a code."""

    payment_id: int
    user_id: int
    session_id: str


def add_orders(batch: str, count: int, *, codes: int) -> list[Order]:
    """Add buyers with an order of $10 each; `codes` is the number of people who invited them.

    `batch` is one capital letter or digit that makes names and codes unique.
    """
    with _without_triggers() as cursor:
        cursor.execute(_BUYERS, {"batch": batch, "count": count, "codes": codes})
        return [Order(*row) for row in cursor.fetchall()]


@contextmanager
def _without_triggers() -> Iterator[CursorWrapper]:
    """Open a transaction without triggers and foreign keys, which would take long for many rows."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield cursor
        cursor.execute("SET LOCAL session_replication_role = origin")


def tidy() -> None:
    """Vacuum and analyze now; switch off background work, which would disturb the measuring."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        for setting in ("autovacuum = off", "checkpoint_timeout = '1h'", "max_wal_size = '8GB'"):
            cursor.execute(f"ALTER SYSTEM SET {setting}")
        cursor.execute("SELECT pg_reload_conf()")
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")
        cursor.execute("RESET statement_timeout")
