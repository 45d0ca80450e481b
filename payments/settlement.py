"""Settles a purchase: credits the buyer and pays the bonuses, once for each checkout session.

Read, decide, write: `_READ` locks and reads all that the decision needs, `bonuses.award` decides in
plain Python, and `_write` writes what was decided, in the transaction that `inbox` opened.

The lock order of every transaction that changes a purchase, here and in `clawbacks`:
1. the advisory lock of the payment intent,
2. the payment's row,
3. the accounts' rows, by ascending id (`ledger.lock_accounts`),
4. the budget of the terms,
5. the event's row (`event_store`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import orjson
from django.conf import settings
from django.db import IntegrityError, models

from accounts import advisory_locks, constraints, ledger, prepared, transactions
from accounts.ledger import Posting
from accounts.models import LedgerEntry, User
from accounts.money import from_cents
from payments import checkout, clawbacks, event_store
from payments.event_payments import parse_payment_id
from payments.event_store import AlreadyProcessedError, Event
from payments.models import Payment, StripeEvent
from payments.outcomes import HandlerResult, QuarantinedError, require_same, require_same_amount
from payments.stripe_gateway import CheckoutSession
from referrals import bonuses, eligibility
from referrals.bonuses import Award, Conditions
from referrals.models import Program

Outcome = StripeEvent.Outcome
Status = Payment.Status


def complete_session(session: CheckoutSession, event: Event, *, now: datetime) -> HandlerResult:
    """Settle the purchase if the completed session is paid; else wait for a delayed payment."""
    purchase = _lock_purchase(session, event.created_at, event)
    payment = purchase.payment
    if session.payment_status == "unpaid" and payment.status != Status.PAID:
        if payment.completed_at is None:
            payment.completed_at = purchase.occurred_at
            payment.save(update_fields=["completed_at"])
        return HandlerResult(Outcome.WAITING, payment.pk, "the payment method confirms later")
    return _settle(purchase, session, event, now=now)


def confirm_payment(session: CheckoutSession, event: Event, *, now: datetime) -> HandlerResult:
    """Settle a purchase whose delayed payment succeeded."""
    purchase = _lock_purchase(session, event.created_at, event)
    return _settle(purchase, session, event, now=now)


def settle_session(session: CheckoutSession, *, paid_at: datetime, now: datetime) -> HandlerResult:
    """Settle a purchase that no event has told us of."""
    return _settle(_lock_purchase(session, paid_at), session, None, now=now)


def fail_payment(session: CheckoutSession, event: Event, *, now: datetime) -> HandlerResult:
    """Close a purchase whose delayed payment failed."""
    return _close(session, event, Status.FAILED)


def expire_session(session: CheckoutSession, event: Event, *, now: datetime) -> HandlerResult:
    """Close a purchase that was not paid in time."""
    return _close(session, event, Status.EXPIRED)


def _close(session: CheckoutSession, event: Event, status: Payment.Status) -> HandlerResult:
    payment = _lock_purchase(session, event.created_at, event).payment
    # Paid is final. An expired payment can still become failed, and both can become paid.
    if payment.status in (Status.PAID, Status.FAILED, status):
        return HandlerResult(
            Outcome.REPEATED, payment.pk, f"the payment is {payment.status} already"
        )
    payment.status = status
    payment.save(update_fields=["status"])
    return HandlerResult(Outcome.CLOSED, payment.pk)


@dataclass(frozen=True, slots=True)
class _Purchase:
    """A purchase and its people, locked, with all that the decision on its bonuses needs."""

    payment: Payment
    buyer: User
    referrer: User | None
    conditions: Conditions
    occurred_at: datetime  # when it was paid, by Stripe's clock (CONTRACT 2.3)


def _fields(model: type[models.Model], names: str) -> tuple[str, ...]:
    """Return the columns of these fields, in the order in which `from_db` expects them."""
    wanted = names.split()
    return tuple(field.attname for field in model._meta.concrete_fields if field.name in wanted)


def _of(table: str, columns: tuple[str, ...]) -> str:
    return ", ".join(f"{table}.{column}" for column in columns)


_PAYMENT = _fields(
    Payment,
    "id user amount currency status session_id payment_intent_id created_at completed_at",
)
_PERSON = _fields(
    User,
    "id username email referral_code referred_by_code signup_address has_made_first_purchase"
    " is_active created_at claimed_at",
)
_TERMS = _fields(
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
    SELECT {_of("payments", _PAYMENT)},
           {advisory_locks.expression("%(payment_intent_id)s::text")}::text AS lock
    FROM payments
    WHERE session_id = %(session_id)s::text OR id = %(payment_id)s::bigint AND session_id IS NULL
          AND NOT EXISTS (SELECT FROM payments WHERE session_id = %(session_id)s::text)
    FOR NO KEY UPDATE
), person AS MATERIALIZED (
    SELECT {_of("users", _PERSON)} FROM users
    WHERE id = (SELECT user_id FROM payment) OR referral_code = (
        SELECT buyer.referred_by_code FROM payment JOIN users buyer ON buyer.id = payment.user_id)
    ORDER BY id
    FOR NO KEY UPDATE
)
SELECT {_of("payment", _PAYMENT)}, {_of("buyer", _PERSON)}, {_of("referrer", _PERSON)},
       {_of("terms", _TERMS)}, {_of("promised", _TERMS)},
       COALESCE(referral_uses(referrer.id), 0),
       COALESCE(referral_shares_mailbox(referrer.id, buyer.id), false), occurred.at,
       EXISTS (SELECT FROM stripe_events
               WHERE event_id = %(event_id)s::text AND processed_at IS NOT NULL),
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


def _lock_purchase(
    session: CheckoutSession, reported_at: datetime, event: Event | None = None
) -> _Purchase:
    """Return the purchase of this session, locked, after comparing the session with our record.

    Our record decides amount, owner and currency (CONTRACT 2.9). Raises QuarantinedError and
    AlreadyProcessedError.
    """
    rows = prepared.fetch(
        _READ,
        {
            "session_id": session.session_id,
            "payment_intent_id": session.payment_intent_id,
            "payment_id": parse_payment_id(session.payment_id),
            "reported_at": reported_at,
            "event_id": event and event.event_id,
        },
    )
    if not rows:
        raise QuarantinedError(f"no payment of ours has the session {session.session_id}")
    *row, is_claimed_meanwhile = rows[0]
    if is_claimed_meanwhile:
        # The locks are given back, because the referrer's comes before or after the buyer's.
        raise transactions.repeat("the buyer has claimed a code meanwhile")
    purchase, is_processed = _from_row(row)
    if is_processed and event:
        raise AlreadyProcessedError(event.event_id)
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


def _from_row(row: Iterable[Any]) -> tuple[_Purchase, bool]:
    """Return the purchase, and whether its event is processed already."""
    read = iter(row)

    def model(kind: Any, columns: tuple[str, ...]) -> Any:
        values = [next(read) for _ in columns]
        return None if values[0] is None else kind.from_db(None, columns, values)

    payment, buyer = model(Payment, _PAYMENT), model(User, _PERSON)
    referrer = model(User, _PERSON)
    terms, promised = model(Program, _TERMS), model(Program, _TERMS)
    uses, is_mailbox_of_friend, occurred_at, is_processed = read
    if promised and occurred_at >= promised.offer_ends(buyer.attributed_at):
        promised = None
    # Stripe's clock counts whole seconds.
    is_claimed_later = occurred_at < (buyer.claimed_at or occurred_at).replace(microsecond=0)
    found = Conditions(terms, promised, uses, is_mailbox_of_friend, is_claimed_later)
    return _Purchase(payment, buyer, referrer, found, occurred_at), is_processed


def _settle(
    purchase: _Purchase, session: CheckoutSession, event: Event | None, *, now: datetime
) -> HandlerResult:
    """Credit the buyer, and award the bonuses if they are due (CONTRACT 2.3, 2.5).

    Raises QuarantinedError when the session is not paid.
    """
    payment = purchase.payment
    if payment.status == Status.PAID:
        return HandlerResult(Outcome.REPEATED, payment.pk, "the payment is paid already")
    require_same("payment_status", session.payment_status, "paid")
    if session.payment_intent_id is None:
        raise QuarantinedError("paid, but it has no payment_intent, by which we find refunds")
    award = bonuses.award(
        purchase.conditions,
        buyer=purchase.buyer,
        referrer=purchase.referrer,
        amount=from_cents(payment.amount),
        occurred_at=purchase.occurred_at,
    )
    came_early = _write(purchase, session, award, event, now=now)
    if came_early:
        payment.refresh_from_db()
        clawbacks.apply_early_clawbacks(payment, now=now)
    return HandlerResult(Outcome.SETTLED, payment.pk, award.decision, is_stored=event is not None)


@cache
def _write_sql(entries: int, has_referral: bool) -> str:
    """Return the statement that credits a purchase, with its bonuses if there are three entries.

    The last column is whether a refund or a dispute arrived before its purchase.
    """
    first = ", has_made_first_purchase = has_made_first_purchase OR id = %(first_buyer)s::bigint"
    return f"""
WITH {ledger.posting_sql(entries, also_set=first)},
{bonuses.NEW_REFERRAL if has_referral else bonuses.NO_REFERRAL},
paid AS (
    UPDATE payments SET
        status = '{Status.PAID}', paid_at = %(occurred_at)s::timestamptz,
        payment_intent_id = %(payment_intent_id)s::text,
        bonus_decision = %(decision)s::text, checks = %(checks)s::jsonb,
        ledger_entry_id = (SELECT id FROM entry WHERE kind = '{LedgerEntry.Kind.PURCHASE}'),
        referral_id = (SELECT id FROM referral)
    WHERE id = %(payment_id)s::bigint
),
{event_store.STORED}
SELECT (SELECT id FROM stored), EXISTS (
    SELECT FROM clawbacks
    WHERE payment_id IS NULL AND payment_intent_id = %(payment_intent_id)s::text)
"""


def _write(
    purchase: _Purchase,
    session: CheckoutSession,
    award: Award,
    event: Event | None,
    *,
    now: datetime,
) -> bool:
    """Write entries, balances, referral, payment and event; return whether a refund came early."""
    payment, buyer = purchase.payment, purchase.buyer
    postings = [
        Posting(
            user_id=buyer.pk,
            kind=LedgerEntry.Kind.PURCHASE,
            amount=from_cents(payment.amount),
            idempotency_key=f"purchase:payment:{payment.pk}",
            description="Purchase of credits",
            reference=session.session_id,
        )
    ]
    postings += award.postings
    referral = bonuses.referral_params(award.referral) if award.referral else {}
    params = {
        **ledger.posting_params(postings, now=now),
        **referral,
        **event_store.stored_params(
            event, Outcome.SETTLED, reason=award.decision, payment_id=payment.pk, now=now
        ),
        "first_buyer": buyer.pk if award.is_qualifying else 0,
        "occurred_at": purchase.occurred_at,
        "payment_intent_id": session.payment_intent_id,
        "decision": award.decision,
        "checks": orjson.dumps(eligibility.to_json(award.checks)).decode(),
    }
    try:
        ((stored, came_early),) = prepared.fetch(
            _write_sql(len(postings), award.referral is not None), params
        )
    except IntegrityError as error:
        if constraints.violated(error) != "payments_payment_intent_id_key":
            raise
        reason = f"payment_intent {session.payment_intent_id} belongs to another payment"
        raise QuarantinedError(reason) from error
    if event and stored is None:
        raise AlreadyProcessedError(event.event_id)
    return bool(came_early)
