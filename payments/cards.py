"""Holds a referral whose friend paid with a card of the referrer or of an earlier friend.

The worker does this after settlement, because the webhook never waits for a call to Stripe.
"""

from collections.abc import Iterator
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
    """Save the card of a payment, and hold and return the referrals that it speaks against."""
    payment.card_fingerprint = fingerprint
    # Race: two people may be checked at the same time. Each card is committed before the search,
    # so the later search finds the other card. Therefore no transaction around this function.
    payment.save(update_fields=["card_fingerprint"])
    held = [
        review.hold(referral_id, reason=reason, now=now)
        for referral_id, reason in _suspicious_referrals(payment.user_id)
    ]
    payment.card_checked_at = now
    payment.save(update_fields=["card_checked_at"])
    return held


def _suspicious_referrals(user_id: int) -> Iterator[tuple[int, str]]:
    """Yield the unreviewed referrals that a card of this user speaks against, with the reason.

    The user is the referrer, the friend or an earlier friend of the code (CONTRACT 2.10).
    """
    others = Payment.objects.by_card_of(user_id).exclude(user=user_id).values("user")
    both_sides = Q(referrer=user_id, referred_user__in=others) | Q(
        referred_user=user_id, referrer__in=others
    )
    earlier = Referral.objects.filter(
        referrer=OuterRef("referrer"), use_number__lt=OuterRef("use_number")
    )
    after_user = Q(Exists(earlier.filter(referred_user=user_id)), referred_user__in=others)
    after_others = Q(Exists(earlier.filter(referred_user__in=others)), referred_user=user_id)
    unreviewed = Referral.objects.filter(review=Referral.Review.NONE).order_by("pk")
    for found, reason in (
        (both_sides, "one card on both sides"),
        (after_user | after_others, "one card with an earlier friend of the code"),
    ):
        for referral_id in list(unreviewed.filter(found).values_list("pk", flat=True)):
            yield referral_id, reason
