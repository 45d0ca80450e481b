"""Starts a purchase: first our record, then Stripe's session, each once."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet

from accounts.models import User
from payments import stripe_gateway
from payments.errors import PaymentError
from payments.models import Payment
from payments.stripe_objects import CheckoutSession


class IdempotencyKeyReusedError(PaymentError):
    """The client used this Idempotency-Key for another purchase."""


class TooManyUnpaidError(PaymentError):
    """The client has MOST_UNPAID purchases that wait for a payment."""


# A session expires after a day, so this many a day is also what one client can leave behind.
MOST_UNPAID = 50
_NEWEST = 200


@dataclass(frozen=True)
class Order:
    """What a client orders; `amount` in cents."""

    amount: int
    currency: str
    success_url: str
    cancel_url: str


def start_checkout(
    *, user: User, order: Order, idempotency_key: str | None, now: datetime, deadline: float
) -> Payment:
    """Record the purchase and create its checkout session at Stripe before `deadline`.

    The deadline is a time of `time.monotonic`.

    When Stripe does not answer, the payment stays without a session. A request with the same
    Idempotency-Key then continues with the same payment; our own key at Stripe is kept with it, so
    Stripe returns the same session.

    Raises IdempotencyKeyReusedError, TooManyUnpaidError, StripeUnavailableError,
    StripeRefusedError and SessionConflictError.
    """
    payment = record(user=user, order=order, idempotency_key=idempotency_key, now=now)
    if payment.session_id:
        return payment
    try:
        # No transaction is open here: a slow Stripe must not hold locks of ours.
        session = stripe_gateway.create_checkout_session(
            idempotency_key=str(payment.stripe_key or f"payment:{payment.pk}"),
            payment_id=payment.pk,
            user_id=payment.user_id,
            amount=payment.amount,
            currency=payment.currency,
            success_url=payment.success_url,
            cancel_url=payment.cancel_url,
            deadline=deadline,
        )
    except stripe_gateway.StripeUnavailableError:
        # Race: Stripe refuses a second request while the first one with the same key runs. The
        # other request may have the session by now.
        payment.refresh_from_db()
        if not payment.session_id:
            raise
        return payment
    attach_session(payment, session)
    return payment


def record(*, user: User, order: Order, idempotency_key: str | None, now: datetime) -> Payment:
    """Save the order before Stripe is called.

    Raises IdempotencyKeyReusedError and TooManyUnpaidError.
    """
    ordered = vars(order)
    orders = Payment.objects.filter(user=user)
    if idempotency_key is None or not orders.filter(idempotency_key=idempotency_key).exists():
        _require_few_unpaid(orders)
    if idempotency_key is None:
        return orders.create(user=user, created_at=now, **ordered)
    payment, _ = orders.get_or_create(
        user=user, idempotency_key=idempotency_key, defaults={"created_at": now, **ordered}
    )
    if any(getattr(payment, field) != value for field, value in ordered.items()):
        raise IdempotencyKeyReusedError
    return payment


def _require_few_unpaid(orders: QuerySet[Payment]) -> None:
    # Not locked: requests at once may exceed the limit by as many, which does no harm.
    # Nor are orders counted that never reached Stripe: nobody can pay them, so that to try again
    # while Stripe is away must not use them up. An hourly job closes them a day later.
    # Of a person's newest orders, which an index has in this order: by status PostgreSQL might go
    # through everybody's.
    newest = orders.order_by("-pk")[:_NEWEST]
    pending = Q(status=Payment.Status.PENDING)
    if newest.aggregate(unpaid=Count("pk", filter=pending))["unpaid"] >= MOST_UNPAID:
        raise TooManyUnpaidError


def attach_session(payment: Payment, session: CheckoutSession) -> None:
    """Save Stripe's session on the payment, unless it has one already."""
    # Race: an event may settle the payment before this runs, so only a row without a session
    # changes; a `save` would set a paid payment back to pending.
    Payment.objects.filter(pk=payment.pk, session_id=None).update(
        status=Payment.Status.PENDING,
        session_id=session.session_id,
        checkout_url=session.url or "",
        expires_at=session.expires_at,
    )
    payment.refresh_from_db()


EXPIRY_GRACE = timedelta(days=1)


def close_expired(*, now: datetime) -> int:
    """Close unpaid purchases whose `expired` event has not arrived a day after the expiry.

    A payment that waits for a delayed confirmation stays open. A closed payment still settles when
    Stripe reports it as paid, also one whose session we do not know.
    """
    last = now - EXPIRY_GRACE
    overdue = Payment.objects.filter(
        status=Payment.Status.PENDING, completed_at=None, expires_at__lt=last
    )
    without_session = Payment.objects.filter(status=Payment.Status.CREATED, created_at__lt=last)
    return sum(rows.update(status=Payment.Status.EXPIRED) for rows in (overdue, without_session))
