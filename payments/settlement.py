"""Turns what Stripe says of a checkout session into ledger entries and bonuses, once.

The locks of a settlement, always in this order: the event, the payment, the accounts by id.
"""

from dataclasses import dataclass
from datetime import datetime

from accounts import ledger
from accounts.models import LedgerEntry, User
from payments.models import Payment, StripeEvent
from payments.stripe_gateway import CheckoutSession
from referrals import bonuses
from referrals.attribution import buyer_and_referrer

Outcome = StripeEvent.Outcome


class QuarantinedError(Exception):
    """The event is authentic, but does not fit our record; the message says where."""


@dataclass(frozen=True)
class Settlement:
    """What a handler did with an event, to be kept beside it."""

    outcome: StripeEvent.Outcome
    payment: Payment
    reason: str = ""


def complete(session: CheckoutSession, *, now: datetime) -> Settlement:
    """Settle the purchase of a completed session if it is paid; else its money is on the way."""
    payment = lock_payment(session)
    if session.payment_status == "unpaid":
        return Settlement(Outcome.WAITING, payment, "the payment method confirms later")
    return settle_purchase(payment, session, now=now)


def confirm(session: CheckoutSession, *, now: datetime) -> Settlement:
    """Settle a purchase whose delayed payment has arrived."""
    return settle_purchase(lock_payment(session), session, now=now)


def fail(session: CheckoutSession, *, now: datetime) -> Settlement:
    """Close a purchase whose delayed payment did not arrive."""
    return _close(session, Payment.Status.FAILED)


def expire(session: CheckoutSession, *, now: datetime) -> Settlement:
    """Close a purchase that nobody paid in time."""
    return _close(session, Payment.Status.EXPIRED)


def lock_payment(session: CheckoutSession) -> Payment:
    """Return our record of the session, locked, after holding the session against it.

    Amount, owner and currency are ours to know (CONTRACT 2.9). Raises QuarantinedError.
    """
    payments = Payment.objects.select_for_update(no_key=True, of=("self",)).select_related("user")
    payment = payments.filter(session_id=session.session_id).first()
    if payment is None:
        raise QuarantinedError(f"no payment of ours has the session {session.session_id}")
    _compare("mode", session.mode, "payment")
    _compare("amount", session.amount, payment.amount)
    _compare("currency", session.currency, payment.currency)
    _compare("user_id in metadata", session.user_id, str(payment.user_id))
    _compare("payment_id in metadata", session.payment_id, str(payment.pk))
    return payment


def _compare(what: str, theirs: object, ours: object) -> None:
    if theirs != ours:
        raise QuarantinedError(f"{what} is {theirs!r}, but {ours!r} in our record")


def _close(session: CheckoutSession, status: Payment.Status) -> Settlement:
    payment = lock_payment(session)
    if payment.status == Payment.Status.PAID:
        return Settlement(Outcome.REPEATED, payment, "the payment is paid already")
    payment.status = status
    payment.save(update_fields=["status"])
    return Settlement(Outcome.CLOSED, payment)


def settle_purchase(payment: Payment, session: CheckoutSession, *, now: datetime) -> Settlement:
    """Credit the buyer of a locked payment with what was paid, and award the bonuses if due.

    All of it happens in the caller's transaction (CONTRACT 2.3, 2.5). Raises QuarantinedError
    when Stripe does not say that the session is paid.
    """
    _compare("payment_status", session.payment_status, "paid")
    if payment.status == Payment.Status.PAID:
        return Settlement(Outcome.REPEATED, payment, "the payment is paid already")
    accounts = ledger.lock_accounts(buyer_and_referrer(payment.user))
    buyer = accounts[payment.user_id]
    payment.ledger_entry = ledger.post(
        user_id=buyer.pk,
        kind=LedgerEntry.Kind.PURCHASE,
        amount=ledger.dollars(payment.amount),
        idempotency_key=f"purchase:payment:{payment.pk}",
        description="Purchase of credits",
        reference=session.session_id,
        now=now,
    )
    award = bonuses.award(
        buyer=buyer,
        referrer=_referrer(buyer, accounts),
        amount=ledger.dollars(payment.amount),
        now=now,
    )
    payment.status = Payment.Status.PAID
    payment.paid_at = now
    payment.payment_intent_id = session.payment_intent_id
    payment.bonus_decision = award.decision
    payment.referral = award.referral
    payment.save(
        update_fields=[
            "status",
            "paid_at",
            "payment_intent_id",
            "ledger_entry",
            "bonus_decision",
            "referral",
        ]
    )
    return Settlement(Outcome.SETTLED, payment, award.decision)


def _referrer(buyer: User, accounts: dict[int, User]) -> User | None:
    code = buyer.referred_by_code
    return next((user for user in accounts.values() if user.referral_code == code), None)
