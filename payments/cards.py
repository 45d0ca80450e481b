"""Looks for one card on both sides of a referral, after settlement (CONTRACT 2.10)."""

from datetime import datetime

import structlog
from django.db.models import Exists, F, OuterRef, Q

from payments import stripe_gateway
from payments.models import Payment
from referrals import review
from referrals.models import Referral

log = structlog.get_logger(__name__)

AT_A_TIME = 500


def unchecked() -> list[Payment]:
    """Return the settled payments whose card is still to be asked for, so many at a time.

    Those that Stripe gave no answer for come last, so that they stand in nobody's way.
    """
    waiting = Payment.objects.filter(status=Payment.Status.PAID, card_checked_at=None)
    unasked_first = F("card_asked_at").asc(nulls_first=True)
    return list(waiting.order_by(unasked_first, "paid_at", "pk")[:AT_A_TIME])


def check(payment: Payment, *, now: datetime) -> None:
    """Ask Stripe for the card of a payment, and note it. Raises StripeUnavailableError."""
    try:
        fingerprint = _fingerprint(payment)
    except stripe_gateway.StripeUnavailableError:
        payment.card_asked_at = now
        payment.save(update_fields=["card_asked_at"])
        raise
    note_card(payment, fingerprint, now=now)


def note_card(payment: Payment, fingerprint: str, *, now: datetime) -> list[Referral]:
    """Remember the card of a payment, and hold the referrals that have it on both sides.

    The card is committed before it is looked for: of two payments that are checked at once, the
    later one finds the other. Returns the referrals that are held.
    """
    payment.card_fingerprint = fingerprint
    payment.save(update_fields=["card_fingerprint"])
    held = [
        review.hold(referral_id, reason="one card on both sides", now=now)
        for referral_id in _with_one_card(payment.user_id)
    ]
    payment.card_checked_at = now
    payment.save(update_fields=["card_checked_at"])
    return held


def _fingerprint(payment: Payment) -> str:
    if not payment.payment_intent_id:
        return ""
    try:
        return stripe_gateway.card_fingerprint(payment.payment_intent_id) or ""
    except stripe_gateway.StripeRefusedError as refusal:
        log.warning("card_unknown", payment_id=payment.pk, reason=str(refusal))
        return ""


def _with_one_card(person: int) -> list[int]:
    """Return the referrals of a person whose sides have paid with one card, at any time."""
    cards = Payment.objects.exclude(card_fingerprint="").values("card_fingerprint")
    referrers = cards.filter(user=OuterRef(OuterRef("referrer")))
    shared = cards.filter(user=OuterRef("referred_user"), card_fingerprint__in=referrers)
    unreviewed = Referral.objects.filter(
        Q(referrer=person) | Q(referred_user=person), Exists(shared), review=Referral.Review.NONE
    )
    return list(unreviewed.order_by("pk").values_list("pk", flat=True))
