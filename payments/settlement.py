"""Settles a purchase: credits the buyer and pays the bonuses, once for each checkout session.

Read, decide, write: `purchases.lock` locks and reads all that the decision needs, `bonuses.award`
decides in plain Python, and `_write` writes what was decided, in the transaction that `inbox`
opened.

The lock order of every transaction that changes a purchase, here and in `clawbacks`:
1. the advisory lock of the payment intent,
2. the payment's row,
3. the accounts' rows, by ascending id (`ledger.lock_accounts`),
4. the budget of the terms,
5. the event's row (`event_store`).
"""

from datetime import datetime
from functools import cache

import orjson
from django.db import IntegrityError

from accounts import constraints, ledger, prepared
from accounts.ledger import Posting
from accounts.models import LedgerEntry
from accounts.money import from_cents
from payments import clawbacks, event_store, purchases
from payments.event_store import AlreadyProcessedError, Event
from payments.models import Payment, StripeEvent
from payments.outcomes import HandlerResult, QuarantinedError, require_same
from payments.purchases import Purchase
from payments.stripe_objects import CheckoutSession
from referrals import bonuses, eligibility
from referrals.bonuses import Award

Outcome = StripeEvent.Outcome
Status = Payment.Status


def complete_session(session: CheckoutSession, event: Event, *, now: datetime) -> HandlerResult:
    """Settle the purchase if the completed session is paid; else wait for a delayed payment."""
    purchase = purchases.lock(session, event.created_at)
    payment = purchase.payment
    if session.payment_status == "unpaid" and payment.status != Status.PAID:
        if payment.completed_at is None:
            payment.completed_at = purchase.occurred_at
            payment.save(update_fields=["completed_at"])
        return HandlerResult(Outcome.WAITING, payment.pk, "the payment method confirms later")
    return _settle(purchase, session, event, now=now)


def confirm_payment(session: CheckoutSession, event: Event, *, now: datetime) -> HandlerResult:
    """Settle a purchase whose delayed payment succeeded."""
    purchase = purchases.lock(session, event.created_at)
    return _settle(purchase, session, event, now=now)


def settle_session(session: CheckoutSession, *, paid_at: datetime, now: datetime) -> HandlerResult:
    """Settle a purchase that no event has told us of."""
    return _settle(purchases.lock(session, paid_at), session, None, now=now)


def fail_payment(session: CheckoutSession, event: Event, *, now: datetime) -> HandlerResult:
    """Close a purchase whose delayed payment failed."""
    return _close(session, event, Status.FAILED)


def expire_session(session: CheckoutSession, event: Event, *, now: datetime) -> HandlerResult:
    """Close a purchase that was not paid in time."""
    return _close(session, event, Status.EXPIRED)


def _close(session: CheckoutSession, event: Event, status: Payment.Status) -> HandlerResult:
    payment = purchases.lock(session, event.created_at).payment
    # Paid is final. An expired payment can still become failed, and both can become paid.
    if payment.status in (Status.PAID, Status.FAILED, status):
        return HandlerResult(
            Outcome.REPEATED, payment.pk, f"the payment is {payment.status} already"
        )
    payment.status = status
    payment.save(update_fields=["status"])
    return HandlerResult(Outcome.CLOSED, payment.pk)


def _settle(
    purchase: Purchase, session: CheckoutSession, event: Event | None, *, now: datetime
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
    first = """, has_made_first_purchase = has_made_first_purchase
            OR id = %(buyer_id)s::bigint AND %(is_qualifying)s::boolean"""
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


def _purchase_entry(payment: Payment, session: CheckoutSession) -> Posting:
    return Posting(
        user_id=payment.user_id,
        kind=LedgerEntry.Kind.PURCHASE,
        amount=from_cents(payment.amount),
        idempotency_key=f"purchase:payment:{payment.pk}",
        description="Purchase of credits",
        reference=session.session_id,
    )


def _write(
    purchase: Purchase,
    session: CheckoutSession,
    award: Award,
    event: Event | None,
    *,
    now: datetime,
) -> bool:
    """Write entries, balances, referral, payment and event; return whether a refund came early."""
    payment, buyer = purchase.payment, purchase.buyer
    postings = [_purchase_entry(payment, session), *award.postings]
    referral = bonuses.referral_params(award.referral) if award.referral else {}
    params = {
        **ledger.posting_params(postings, now=now),
        **referral,
        **event_store.stored_params(
            event, Outcome.SETTLED, reason=award.decision, payment_id=payment.pk, now=now
        ),
        "buyer_id": buyer.pk,
        "is_qualifying": award.is_qualifying,
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
