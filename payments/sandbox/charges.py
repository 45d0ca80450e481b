"""A charge whose money may go back: its lock, and how much of it is left."""

from django.db.models import QuerySet, Sum

from payments.sandbox.errors import no_such
from payments.sandbox.models import Charge, CheckoutSession, Refund


def lock(charge_id: str) -> Charge:
    """Lock the charge's session, then read the charge as the last holder of the lock left it."""
    sessions = CheckoutSession.objects.select_for_update(of=("self",))
    if sessions.filter(payment_intent__charges__stripe_id=charge_id).first() is None:
        raise no_such("charge", charge_id)
    return with_session().get(stripe_id=charge_id)


def with_session() -> QuerySet[Charge]:
    """Return the charges, each with the session that it pays."""
    return Charge.objects.select_related("payment_intent__session")


def amount_refunded(charge: Charge) -> int:
    """Return the cents that refunds have taken, or will take once they are no longer pending."""
    not_failed = charge.refunds.exclude(status=Refund.Status.FAILED)
    return int(not_failed.aggregate(total=Sum("amount"))["total"] or 0)


def amount_left(charge: Charge) -> int:
    """Return the cents of a charge that no refund has taken."""
    return charge.payment_intent.session.amount_total - amount_refunded(charge)
