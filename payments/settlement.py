"""Turns what Stripe says of a checkout session into ledger entries and bonuses, once.

The locks of a settlement, always in this order: the event, the turn of the payment intent, the
payment, the accounts by id.
"""

from datetime import datetime

from django.conf import settings
from django.db import IntegrityError
from django.db.models import QuerySet, Value

from accounts import advisory_locks, constraints, ledger
from accounts.models import LedgerEntry, User
from accounts.money import from_cents
from payments import checkout, clawbacks
from payments.event_subjects import payment_number
from payments.models import Payment, StripeEvent
from payments.outcomes import Handled, QuarantinedError, compare, compare_amount
from payments.stripe_gateway import CheckoutSession
from referrals import bonuses, eligibility
from referrals.attribution import buyer_and_referrer

Outcome = StripeEvent.Outcome


def complete(session: CheckoutSession, *, now: datetime) -> Handled:
    """Settle the purchase of a completed session if it is paid; else its money is on the way."""
    payment = lock_payment(session)
    if session.payment_status == "unpaid" and payment.status != Payment.Status.PAID:
        if payment.completed_at is None:
            payment.completed_at = now
            payment.save(update_fields=["completed_at"])
        return Handled(Outcome.WAITING, payment, "the payment method confirms later")
    return settle_purchase(payment, session, now=now)


def confirm(session: CheckoutSession, *, now: datetime) -> Handled:
    """Settle a purchase whose delayed payment has arrived."""
    return settle_purchase(lock_payment(session), session, now=now)


def fail(session: CheckoutSession, *, now: datetime) -> Handled:
    """Close a purchase whose delayed payment did not arrive."""
    return _close(session, Payment.Status.FAILED)


def expire(session: CheckoutSession, *, now: datetime) -> Handled:
    """Close a purchase that nobody paid in time."""
    return _close(session, Payment.Status.EXPIRED)


def lock_payment(session: CheckoutSession) -> Payment:
    """Return our record of the session, locked, after holding the session against it.

    Amount, owner and currency are ours to know (CONTRACT 2.9). A payment for which Stripe's answer
    was lost gets the session here. Raises QuarantinedError.
    """
    payments = Payment.objects.select_for_update(no_key=True, of=("self",)).select_related("user")
    if session.payment_intent_id:
        payments = payments.annotate(
            lock=advisory_locks.AdvisoryLock(Value(session.payment_intent_id))
        )
    try:
        payment = payments.get(session_id=session.session_id)
    except Payment.DoesNotExist:
        payment = _unanswered(payments, session)
    compare("livemode", session.livemode, settings.STRIPE_LIVEMODE)
    compare("mode", session.mode, "payment")
    compare_amount("session", session.amount, payment.amount)
    compare("currency", session.currency, payment.currency)
    compare("user_id in metadata", session.user_id, str(payment.user_id))
    compare("payment_id in metadata", session.payment_id, str(payment.pk))
    if payment.session_id is None:
        checkout.open_session(payment, session)
    return payment


def _unanswered(payments: QuerySet[Payment], session: CheckoutSession) -> Payment:
    """Return the payment that we asked Stripe for a session for, and got no answer.

    It is known by the number of ours that Stripe keeps in the metadata, which nobody who pays can
    write, unlike the `client_reference_id`. One that has a session has no other.
    """
    number = payment_number(session.payment_id)
    payment = payments.filter(pk=number).first() if number else None
    if payment is None or payment.session_id not in (None, session.session_id):
        raise QuarantinedError(f"no payment of ours has the session {session.session_id}")
    return payment


def _close(session: CheckoutSession, status: Payment.Status) -> Handled:
    payment = lock_payment(session)
    if payment.status in (Payment.Status.PAID, Payment.Status.FAILED):
        return Handled(Outcome.REPEATED, payment, f"the payment is {payment.status} already")
    payment.status = status
    payment.save(update_fields=["status"])
    return Handled(Outcome.CLOSED, payment)


def settle_purchase(payment: Payment, session: CheckoutSession, *, now: datetime) -> Handled:
    """Credit the buyer of a locked payment with what was paid, and award the bonuses if due.

    All of it happens in the caller's transaction (CONTRACT 2.3, 2.5). Raises QuarantinedError
    when Stripe does not say that the session is paid.
    """
    if payment.status == Payment.Status.PAID:
        return Handled(Outcome.REPEATED, payment, "the payment is paid already")
    compare("payment_status", session.payment_status, "paid")
    if session.payment_intent_id is None:
        raise QuarantinedError("paid, but without the payment_intent that refunds are found by")
    accounts = ledger.lock_accounts(buyer_and_referrer(payment.user))
    buyer = accounts[payment.user_id]
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
    award = bonuses.award(buyer=buyer, referrer=_referrer(buyer, accounts), amount=amount, now=now)
    payment.status = Payment.Status.PAID
    payment.paid_at = now
    payment.payment_intent_id = session.payment_intent_id
    payment.bonus_decision = award.decision
    payment.checks = eligibility.to_json(award.checks)
    payment.referral = award.referral
    _save_settled(payment)
    clawbacks.adopt(payment, now=now)
    return Handled(Outcome.SETTLED, payment, award.decision)


def _save_settled(payment: Payment) -> None:
    settled = ["status", "paid_at", "payment_intent_id", "ledger_entry", "bonus_decision", "checks"]
    try:
        payment.save(update_fields=[*settled, "referral"])
    except IntegrityError as error:
        if constraints.violated(error) != "payments_payment_intent_id_key":
            raise
        reason = f"payment_intent {payment.payment_intent_id} paid for another purchase"
        raise QuarantinedError(reason) from error


def _referrer(buyer: User, accounts: dict[int, User]) -> User | None:
    code = buyer.referred_by_code
    return next((user for user in accounts.values() if user.referral_code == code), None)
