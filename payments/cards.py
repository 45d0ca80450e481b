"""Holds referrals whose two sides paid with the same card (CONTRACT 2.10).

The worker does this after settlement, because the webhook never waits for a call to Stripe.
"""

from datetime import datetime

import structlog
from django.db.models import Exists, F, OuterRef, Q

from payments import stripe_gateway
from payments.models import Payment
from referrals import review
from referrals.models import Referral

log = structlog.get_logger(__name__)

BATCH_SIZE = 500


def payments_to_check() -> list[Payment]:
    """Return settled payments whose card we have not asked Stripe for, at most BATCH_SIZE.

    Payments for which Stripe gave no answer come last, so that they do not block the others.
    """
    waiting = Payment.objects.filter(status=Payment.Status.PAID, card_checked_at=None)
    unasked_first = F("card_asked_at").asc(nulls_first=True)
    return list(waiting.order_by(unasked_first, "paid_at", "pk")[:BATCH_SIZE])


def check(payment: Payment, *, now: datetime) -> None:
    """Ask Stripe for the card of a payment, and record it. Raises StripeUnavailableError."""
    fingerprint = None
    try:
        if payment.payment_intent_id:
            fingerprint = stripe_gateway.card_fingerprint(payment.payment_intent_id)
    except stripe_gateway.StripeRefusedError as refusal:
        # Recorded like a payment without a card: asking again would get the same answer.
        log.warning("card_unknown", payment_id=payment.pk, reason=str(refusal))
    except stripe_gateway.StripeUnavailableError:
        payment.card_asked_at = now
        payment.save(update_fields=["card_asked_at"])
        raise
    record_card(payment, fingerprint or "", now=now)


def record_card(payment: Payment, fingerprint: str, *, now: datetime) -> list[Referral]:
    """Save the card of a payment, and hold and return the referrals with one card on both sides."""
    payment.card_fingerprint = fingerprint
    # Race: both sides may be checked at the same time. Each card is committed before the search,
    # so the later search finds the other card. Therefore no transaction around this function.
    payment.save(update_fields=["card_fingerprint"])
    held = [
        review.hold(referral_id, reason="one card on both sides", now=now)
        for referral_id in _referrals_with_one_card(payment.user_id)
    ]
    payment.card_checked_at = now
    payment.save(update_fields=["card_checked_at"])
    return held


def _referrals_with_one_card(user_id: int) -> list[int]:
    """Return the user's unreviewed referrals whose two sides have ever paid with the same card."""
    cards = Payment.objects.exclude(card_fingerprint="").values("card_fingerprint")
    referrers = cards.filter(user=OuterRef(OuterRef("referrer")))
    shared_cards = cards.filter(user=OuterRef("referred_user"), card_fingerprint__in=referrers)
    of_user = Referral.objects.filter(Q(referrer=user_id) | Q(referred_user=user_id))
    unreviewed = of_user.filter(Exists(shared_cards), review=Referral.Review.NONE)
    return list(unreviewed.order_by("pk").values_list("pk", flat=True))
