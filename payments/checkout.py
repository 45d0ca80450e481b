"""Starts a purchase: our record first, Stripe's session next, each once."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.models import User
from payments import stripe_gateway
from payments.models import Payment


class IdempotencyKeyReusedError(Exception):
    """The client used this Idempotency-Key for another purchase."""


@dataclass(frozen=True)
class Order:
    """What a client asks for; `amount` in cents."""

    amount: int
    currency: str
    success_url: str
    cancel_url: str


def start_checkout(
    *, user: User, order: Order, idempotency_key: str | None, now: datetime
) -> Payment:
    """Record the purchase and give it a session of Stripe's.

    The payment has no session while Stripe has not answered: asking again with the same
    Idempotency-Key goes on with that payment, and Stripe, which knows the payment by its id, goes
    on with that session. No transaction is open while Stripe is asked.

    Raises IdempotencyKeyReusedError, StripeUnavailableError and StripeRefusedError.
    """
    payment = record(user=user, order=order, idempotency_key=idempotency_key, now=now)
    if payment.session_id:
        return payment
    try:
        session = _ask_stripe(payment)
    except stripe_gateway.StripeUnavailableError:
        # Stripe does not serve two requests with one key at once: the other one may have it.
        payment.refresh_from_db()
        if not payment.session_id:
            raise
        return payment
    open_session(payment, session)
    return payment


def _ask_stripe(payment: Payment) -> stripe_gateway.CheckoutSession:
    return stripe_gateway.create_checkout_session(
        payment_id=payment.pk,
        user_id=payment.user_id,
        amount=payment.amount,
        currency=payment.currency,
        success_url=payment.success_url,
        cancel_url=payment.cancel_url,
    )


def record(*, user: User, order: Order, idempotency_key: str | None, now: datetime) -> Payment:
    """Record what is asked for, before Stripe hears of it. Raises IdempotencyKeyReusedError."""
    asked = vars(order)
    if idempotency_key is None:
        return Payment.objects.create(user=user, created_at=now, **asked)
    payment, _ = Payment.objects.get_or_create(
        user=user, idempotency_key=idempotency_key, defaults={"created_at": now, **asked}
    )
    if any(getattr(payment, field) != value for field, value in asked.items()):
        raise IdempotencyKeyReusedError
    return payment


def open_session(payment: Payment, session: stripe_gateway.CheckoutSession) -> None:
    """Give a recorded purchase the session that Stripe made for it, unless it has one by now."""
    Payment.objects.filter(pk=payment.pk, session_id=None).update(
        status=Payment.Status.PENDING,
        session_id=session.session_id,
        checkout_url=session.url or "",
        expires_at=session.expires_at,
    )
    payment.refresh_from_db()


EXPIRY_GRACE = timedelta(days=1)


def close_expired(*, now: datetime) -> int:
    """Close the purchases that nobody paid in time and of which Stripe has not told us so.

    One whose money is still on its way is none of them; should Stripe after all report one as
    paid, it settles. So it does when we never heard that Stripe has a session for it.
    """
    last = now - EXPIRY_GRACE
    forgotten = Payment.objects.filter(
        status=Payment.Status.PENDING, completed_at=None, expires_at__lt=last
    )
    unanswered = Payment.objects.filter(status=Payment.Status.CREATED, created_at__lt=last)
    return sum(those.update(status=Payment.Status.EXPIRED) for those in (forgotten, unanswered))
