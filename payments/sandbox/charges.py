"""A charge that money goes back from: held while it does, and what is left of it."""

from django.db.models import QuerySet, Sum

from payments.sandbox.errors import no_such
from payments.sandbox.models import Charge, CheckoutSession, Refund


def hold(charge_id: str) -> Charge:
    """Lock the charge's session, then read the charge as the lock's last holder left it."""
    sessions = CheckoutSession.objects.select_for_update(of=("self",))
    if sessions.filter(payment_intent__charges__stripe_id=charge_id).first() is None:
        raise no_such("charge", charge_id)
    return with_session().get(stripe_id=charge_id)


def with_session() -> QuerySet[Charge]:
    """Return the charges, each with the session that it pays."""
    return Charge.objects.select_related("payment_intent__session")


def amount_refunded(charge: Charge) -> int:
    """Return the cents of a charge that refunds have taken, pending ones included."""
    standing = charge.refunds.exclude(status=Refund.Status.FAILED)
    return int(standing.aggregate(total=Sum("amount"))["total"] or 0)


def amount_left(charge: Charge) -> int:
    """Return the cents of a charge that no refund has taken."""
    return charge.payment_intent.session.amount_total - amount_refunded(charge)
