"""Looks for one card on both sides of a referral, after settlement (CONTRACT 2.10)."""

from datetime import datetime

import structlog
from django.db.models import Q

from payments import stripe_gateway
from payments.models import Payment
from referrals import review
from referrals.models import Referral

log = structlog.get_logger(__name__)

AT_A_TIME = 500


def check_unchecked(*, now: datetime) -> int:
    """Ask Stripe for the card of each settled payment that was not asked for yet; return how many.

    Raises StripeUnavailableError: what is left is asked for next time.
    """
    unchecked = Payment.objects.filter(status=Payment.Status.PAID, card_checked_at=None)
    payments = list(unchecked.order_by("paid_at", "pk")[:AT_A_TIME])
    for payment in payments:
        check(payment, now=now)
    return len(payments)


def check(payment: Payment, *, now: datetime) -> None:
    """Remember the card of a payment, and hold the referrals that have it on both sides.

    The card is committed before it is looked for: of two payments that are checked at once, the
    later one finds the other. Raises StripeUnavailableError.
    """
    payment.card_fingerprint = _fingerprint(payment)
    payment.save(update_fields=["card_fingerprint"])
    if payment.card_fingerprint:
        for referral_id in _shared(payment):
            review.hold(referral_id, reason="one card on both sides", now=now)
    payment.card_checked_at = now
    payment.save(update_fields=["card_checked_at"])


def _fingerprint(payment: Payment) -> str:
    if not payment.payment_intent_id:
        return ""
    try:
        return stripe_gateway.card_fingerprint(payment.payment_intent_id) or ""
    except stripe_gateway.StripeRefusedError as refusal:
        log.warning("card_unknown", payment_id=payment.pk, reason=str(refusal))
        return ""


def _shared(payment: Payment) -> list[int]:
    person, card = payment.user_id, payment.card_fingerprint
    both_sides = Q(referred_user=person, referrer__payments__card_fingerprint=card) | Q(
        referrer=person, referred_user__payments__card_fingerprint=card
    )
    unreviewed = Referral.objects.filter(both_sides, review=Referral.Review.NONE)
    return list(unreviewed.order_by("pk").distinct().values_list("pk", flat=True))
