"""Makes rows of the payments app for tests; `stripe_events` makes the events of a purchase."""

import secrets

from django.utils import timezone
from factory.declarations import LazyFunction, Sequence
from factory.django import DjangoModelFactory

from payments.models import Payment, StripeEvent


class PaymentFactory(DjangoModelFactory[Payment]):
    """A pending purchase: Stripe has a session for it, and nobody has paid yet."""

    class Meta:
        model = Payment

    amount = 1000
    status = Payment.Status.PENDING
    session_id = LazyFunction(lambda: f"cs_test_{secrets.token_hex(20)}")
    checkout_url = "https://checkout.stripe.com/c/pay/test"
    success_url = "https://app.gatewayz.ai/payment/success"
    cancel_url = "https://app.gatewayz.ai/payment/cancel"
    expires_at = LazyFunction(timezone.now)
    created_at = LazyFunction(timezone.now)


class StripeEventFactory(DjangoModelFactory[StripeEvent]):
    """An event that was stored and not processed yet."""

    class Meta:
        model = StripeEvent

    event_id = Sequence(lambda number: f"evt_{number}")
    event_type = "checkout.session.completed"
    body = b"{}"
    received_at = LazyFunction(timezone.now)
    retry_at = LazyFunction(timezone.now)
