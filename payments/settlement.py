"""Settles a purchase: credits the buyer and pays the bonuses, once for each checkout session.

The lock order of every transaction that changes a purchase, here and in `clawbacks`:
1. the event's row (`inbox`),
2. the advisory lock of the payment intent,
3. the payment's row,
4. the accounts' rows, by ascending id (`ledger.lock_accounts`).
"""

from datetime import datetime

from django.conf import settings
from django.db import IntegrityError
from django.db.models import QuerySet, Value

from accounts import advisory_locks, constraints, ledger
from accounts.models import LedgerEntry
from accounts.money import from_cents
from payments import checkout, clawbacks
from payments.event_payments import parse_payment_id
from payments.models import Payment, StripeEvent
from payments.outcomes import HandlerResult, QuarantinedError, require_same, require_same_amount
from payments.stripe_gateway import CheckoutSession
from referrals import bonuses, eligibility
from referrals.attribution import buyer_and_referrer

Outcome = StripeEvent.Outcome


def complete_session(session: CheckoutSession, *, now: datetime) -> HandlerResult:
    """Settle the purchase if the completed session is paid; else wait for a delayed payment."""
    payment = lock_payment(session)
    if session.payment_status == "unpaid" and payment.status != Payment.Status.PAID:
        if payment.completed_at is None:
            payment.completed_at = now
            payment.save(update_fields=["completed_at"])
        return HandlerResult(Outcome.WAITING, payment, "the payment method confirms later")
    return settle_purchase(payment, session, now=now)


def confirm_payment(session: CheckoutSession, *, now: datetime) -> HandlerResult:
    """Settle a purchase whose delayed payment succeeded."""
    return settle_purchase(lock_payment(session), session, now=now)


def fail_payment(session: CheckoutSession, *, now: datetime) -> HandlerResult:
    """Close a purchase whose delayed payment failed."""
    return _close(session, Payment.Status.FAILED)


def expire_session(session: CheckoutSession, *, now: datetime) -> HandlerResult:
    """Close a purchase that was not paid in time."""
    return _close(session, Payment.Status.EXPIRED)


def lock_payment(session: CheckoutSession) -> Payment:
    """Return our payment of this session, locked, after comparing the session with it.

    Our record decides amount, owner and currency (CONTRACT 2.9). A payment without a session,
    because Stripe's answer was lost, gets the session here. Raises QuarantinedError.
    """
    payments = Payment.objects.select_for_update(no_key=True, of=("self",)).select_related("user")
    if session.payment_intent_id:
        # Race: a refund of this payment may arrive now. The advisory lock makes one wait for the
        # other, because a refund that comes first finds no row that it could lock. PostgreSQL
        # computes this column before it locks the row, which keeps the lock order.
        payments = payments.annotate(
            lock=advisory_locks.AdvisoryLock(Value(session.payment_intent_id))
        )
    try:
        payment = payments.get(session_id=session.session_id)
    except Payment.DoesNotExist:
        payment = _find_by_metadata(payments, session)
    require_same("livemode", session.livemode, settings.STRIPE_LIVEMODE)
    require_same("mode", session.mode, "payment")
    require_same_amount("session", session.amount, payment.amount)
    require_same("currency", session.currency, payment.currency)
    require_same("user_id in metadata", session.user_id, str(payment.user_id))
    require_same("payment_id in metadata", session.payment_id, str(payment.pk))
    if payment.session_id is None:
        checkout.attach_session(payment, session)
    return payment


def _find_by_metadata(payments: QuerySet[Payment], session: CheckoutSession) -> Payment:
    """Return the payment whose id is in the session's metadata. Raises QuarantinedError.

    Needed when Stripe created the session, but its answer never reached us. A payer can set
    `client_reference_id` in the address, but not the metadata.
    """
    number = parse_payment_id(session.payment_id)
    payment = payments.filter(pk=number).first() if number else None
    # Race: the checkout request may have saved this session since our first query. A payment with
    # another session is not this one.
    if payment is None or payment.session_id not in (None, session.session_id):
        raise QuarantinedError(f"no payment of ours has the session {session.session_id}")
    return payment


def _close(session: CheckoutSession, status: Payment.Status) -> HandlerResult:
    payment = lock_payment(session)
    # Paid is final. An expired payment can still become failed, and both can become paid.
    if payment.status in (Payment.Status.PAID, Payment.Status.FAILED):
        return HandlerResult(Outcome.REPEATED, payment, f"the payment is {payment.status} already")
    payment.status = status
    payment.save(update_fields=["status"])
    return HandlerResult(Outcome.CLOSED, payment)


def settle_purchase(payment: Payment, session: CheckoutSession, *, now: datetime) -> HandlerResult:
    """Credit the buyer of a locked payment, and award the bonuses if they are due.

    It runs in the caller's transaction (CONTRACT 2.3, 2.5). Raises QuarantinedError when the
    session is not paid.
    """
    if payment.status == Payment.Status.PAID:
        return HandlerResult(Outcome.REPEATED, payment, "the payment is paid already")
    require_same("payment_status", session.payment_status, "paid")
    if session.payment_intent_id is None:
        raise QuarantinedError("paid, but it has no payment_intent, by which we find refunds")
    # Both accounts are locked, and read again, before anything about them is decided: the first
    # purchase, the referrer's uses and both balances stay true until the commit.
    accounts = ledger.lock_accounts(buyer_and_referrer(payment.user))
    buyer = accounts[payment.user_id]
    code = buyer.referred_by_code
    referrer = next((user for user in accounts.values() if user.referral_code == code), None)
    amount = from_cents(payment.amount)
    payment.ledger_entry = ledger.post(
        user_id=buyer.pk,
        kind=LedgerEntry.Kind.PURCHASE,
        amount=amount,
        idempotency_key=f"purchase:payment:{payment.pk}",
        description="Purchase of credits",
        reference=session.session_id,
        now=now,
    )
    award = bonuses.award(buyer=buyer, referrer=referrer, amount=amount, now=now)
    payment.status = Payment.Status.PAID
    payment.paid_at = now
    payment.payment_intent_id = session.payment_intent_id
    payment.bonus_decision = award.decision
    payment.checks = eligibility.to_json(award.checks)
    payment.referral = award.referral
    _save_settled(payment)
    # A refund or a dispute may have arrived before its purchase.
    clawbacks.apply_early_clawbacks(payment, now=now)
    return HandlerResult(Outcome.SETTLED, payment, award.decision)


def _save_settled(payment: Payment) -> None:
    settled = ["status", "paid_at", "payment_intent_id", "ledger_entry", "bonus_decision", "checks"]
    try:
        payment.save(update_fields=[*settled, "referral"])
    except IntegrityError as error:
        if constraints.violated(error) != "payments_payment_intent_id_key":
            raise
        reason = f"payment_intent {payment.payment_intent_id} belongs to another payment"
        raise QuarantinedError(reason) from error
