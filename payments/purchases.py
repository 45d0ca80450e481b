"""Locks and reads a purchase, with all that the decision on its bonuses needs, in one statement."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models

from accounts import advisory_locks, prepared, transactions
from accounts.models import User
from payments import checkout
from payments.event_payments import parse_payment_id
from payments.models import Payment
from payments.outcomes import QuarantinedError, require_same, require_same_amount
from payments.stripe_objects import CheckoutSession
from referrals.conditions import Conditions, is_mailbox_of_friend
from referrals.models import Program


@dataclass(frozen=True, slots=True)
class Purchase:
    """A purchase and its people, locked, with all that the decision on its bonuses needs."""

    payment: Payment
    buyer: User
    referrer: User | None
    conditions: Conditions
    occurred_at: datetime  # when it was paid, by Stripe's clock (CONTRACT 2.3)


# The columns of a model, in the order in which `from_db` expects them; it looks each name up.
Columns = dict[str, None]


def columns_of(model: type[models.Model], names: str) -> Columns:
    """Return these columns for `listed` and `read_row`."""
    wanted = names.split()
    fields = (field for field in model._meta.concrete_fields if field.name in wanted)
    return dict.fromkeys(field.attname for field in fields)


def listed(table: str, columns: Columns) -> str:
    return ", ".join(f"{table}.{column}" for column in columns)


_PAYMENT = columns_of(
    Payment,
    "id user amount currency status session_id payment_intent_id created_at completed_at",
)
_PERSON = columns_of(
    User,
    "id username email referral_code referred_by_code signup_address has_made_first_purchase"
    " is_active created_at claimed_at",
)
_TERMS = columns_of(
    Program,
    "id starts_at referrer_bonus referee_bonus minimum_purchase max_uses offer_days budget"
    " reserved",
)

# Race: a refund of this payment may arrive now. The advisory lock makes one wait for the other,
# because a refund that comes first finds no row that it could lock. PostgreSQL computes a column
# before it locks the row, which keeps the lock order.
# A row is read again once its lock is there, so payment and people are as they are now. Everything
# else is read as it was when the statement began: `referral_uses` and `referral_shares_mailbox` are
# VOLATILE, and so look anew. The referrer's row was then chosen by the buyer's code of before: the
# last column says that the buyer has claimed another since.
# A payment without a session, because Stripe's answer was lost, is found by our id in the metadata:
# a payer can set `client_reference_id` in the address, but not the metadata.
_READ = f"""
WITH payment AS MATERIALIZED (
    SELECT {listed("payments", _PAYMENT)},
           {advisory_locks.expression("%(payment_intent_id)s::text")}::text AS lock
    FROM payments
    WHERE session_id = %(session_id)s::text OR id = %(payment_id)s::bigint AND session_id IS NULL
          AND NOT EXISTS (SELECT FROM payments WHERE session_id = %(session_id)s::text)
    FOR NO KEY UPDATE
), person AS MATERIALIZED (
    SELECT {listed("users", _PERSON)} FROM users
    WHERE id = (SELECT user_id FROM payment) OR referral_code = (
        SELECT buyer.referred_by_code FROM payment JOIN users buyer ON buyer.id = payment.user_id)
    ORDER BY id
    FOR NO KEY UPDATE
)
SELECT {listed("payment", _PAYMENT)}, {listed("buyer", _PERSON)}, {listed("referrer", _PERSON)},
       {listed("terms", _TERMS)}, {listed("promised", _TERMS)},
       COALESCE(referral_uses(referrer.id), 0),
       referral_shares_mailbox(referrer.id, buyer.id), occurred.at,
       buyer.referred_by_code IS DISTINCT FROM (
           SELECT referred_by_code FROM users WHERE id = payment.user_id)
FROM payment
JOIN person buyer ON buyer.id = payment.user_id
LEFT JOIN person referrer ON referrer.referral_code = buyer.referred_by_code
CROSS JOIN LATERAL (SELECT GREATEST(payment.created_at, %(reported_at)s::timestamptz)) occurred (at)
CROSS JOIN LATERAL (
    SELECT * FROM programs WHERE status = 'approved' AND starts_at <= occurred.at
    ORDER BY starts_at DESC LIMIT 1
) terms
LEFT JOIN LATERAL (
    SELECT * FROM programs
    WHERE status = 'approved' AND starts_at <= COALESCE(buyer.claimed_at, buyer.created_at)
    ORDER BY starts_at DESC LIMIT 1
) promised ON buyer.referred_by_code IS NOT NULL AND promised.id <> terms.id
"""


def lock(session: CheckoutSession, reported_at: datetime) -> Purchase:
    """Return the purchase of this session, locked, after comparing the session with our record.

    Our record decides amount, owner and currency (CONTRACT 2.9). Raises QuarantinedError.
    """
    rows = prepared.fetch(
        _READ,
        {
            "session_id": session.session_id,
            "payment_intent_id": session.payment_intent_id,
            "payment_id": parse_payment_id(session.payment_id),
            "reported_at": reported_at,
        },
    )
    if not rows:
        raise QuarantinedError(f"no payment of ours has the session {session.session_id}")
    ((*row, is_claimed_meanwhile),) = rows
    if is_claimed_meanwhile:
        # The locks are given back, because the referrer's comes before or after the buyer's.
        raise transactions.repeat("the buyer has claimed a code meanwhile")
    purchase = _from_row(row)
    payment = purchase.payment
    require_same("livemode", session.livemode, settings.STRIPE_LIVEMODE)
    require_same("mode", session.mode, "payment")
    require_same_amount("session", session.amount, payment.amount)
    require_same("currency", session.currency, payment.currency)
    require_same("user_id in metadata", session.user_id, str(payment.user_id))
    require_same("payment_id in metadata", session.payment_id, str(payment.pk))
    if payment.session_id is None:
        checkout.attach_session(payment, session)
    return purchase


def read_row(read: Iterator[Any], kind: Any, columns: Columns) -> Any:
    """Return the row of which these columns are next; None where an outer join found none."""
    values = [next(read) for _ in columns]
    return None if values[0] is None else kind.from_db(None, columns, values)


def _from_row(row: Iterable[Any]) -> Purchase:
    read = iter(row)
    payment, buyer = read_row(read, Payment, _PAYMENT), read_row(read, User, _PERSON)
    referrer = read_row(read, User, _PERSON)
    terms, promised = read_row(read, Program, _TERMS), read_row(read, Program, _TERMS)
    uses, shares_mailbox, occurred_at = read
    if promised and occurred_at >= promised.offer_ends(buyer.attributed_at):
        promised = None
    is_of_friend = is_mailbox_of_friend(shares_mailbox, buyer=buyer, referrer=referrer)
    # Stripe's clock counts whole seconds.
    is_claimed_later = occurred_at < (buyer.claimed_at or occurred_at).replace(microsecond=0)
    found = Conditions(terms, promised, uses, is_of_friend, is_claimed_later)
    return Purchase(payment, buyer, referrer, found, occurred_at)
