"""A charge whose money may go back: its lock, and how much of it is left."""

from django.db.models import Sum

from payments.sandbox.models import Charge, CheckoutSession, Refund


def lock(charge_id: str) -> Charge:
    """Lock the charge's session, then read the charge as the last holder of the lock left it."""
    session = Charge.find(charge_id).payment_intent.session
    CheckoutSession.objects.select_for_update().get(pk=session.pk)
    return Charge.objects.select_related("payment_intent__session").get(stripe_id=charge_id)


def amount_refunded(charge: Charge) -> int:
    """Return the cents that refunds have taken, or will take once they are no longer pending."""
    not_failed = charge.refunds.exclude(status=Refund.Status.FAILED)
    return int(not_failed.aggregate(total=Sum("amount"))["total"] or 0)


def amount_left(charge: Charge) -> int:
    """Return the cents of a charge that no refund has taken."""
    return charge.payment_intent.session.amount_total - amount_refunded(charge)
