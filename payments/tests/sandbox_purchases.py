"""Purchases that people pay at the sandbox, as they would at Stripe; its events wait to be sent."""

from typing import Any

import requests
import stripe
from django.conf import settings

from accounts.tests.factories import Person
from payments.models import Payment
from payments.sandbox.models import Event
from payments.tests.stripe_events import send

VISA = "4242 4242 4242 4242"
MASTERCARD = "5555 5555 5555 4444"
BANK_ACCOUNT = {"payment_method": "delayed", "account_number": "000123456789"}


def pay(person: Person, cents: int = 1000, **typed: str) -> Payment:
    """Let a person begin a purchase with us, and pay it at the sandbox's page with a card."""
    order = {"amount": cents, "currency": "usd"}
    answer = person.api.post("/api/stripe/checkout-session", order, format="json")
    payment = Payment.objects.get(pk=answer.json()["payment_id"])
    form = {
        "email": person.user.email,
        "card_number": VISA,
        "card_expiry": "12 / 34",
        "card_cvc": "123",
    }
    page = requests.post(payment.checkout_url, data=form | typed, timeout=10, allow_redirects=False)
    assert page.status_code == 303, page.text
    return payment


def buy(person: Person, cents: int = 1000, **typed: str) -> Payment:
    """Pay, and let the webhook hear of it."""
    payment = pay(person, cents, **typed)
    assert send(event_body(payment)).json()["outcome"] in {"settled", "waiting"}
    payment.refresh_from_db()
    return payment


def event_body(payment: Payment, kind: str = "checkout.session.completed") -> bytes:
    """Return what the sandbox sends of a payment's session."""
    event = Event.objects.get(type=kind, body__contains=f'"{payment.session_id}"')
    return event.body.encode()


def at_stripe() -> Any:
    """Return Stripe's own client, for what people do at Stripe and not with us."""
    return stripe.StripeClient(
        settings.STRIPE_SECRET_KEY, base_addresses={"api": settings.STRIPE_API_BASE}
    ).v1


def refund_at_stripe(payment: Payment, **asked: Any) -> None:
    at_stripe().refunds.create(params={"payment_intent": payment.payment_intent_id, **asked})


def dispute_at_stripe(payment: Payment) -> None:
    """Let the payer's bank dispute the whole purchase."""
    intent = at_stripe().payment_intents.retrieve(payment.payment_intent_id)
    page = f"{settings.STRIPE_API_BASE}/sandbox/charges/{intent.latest_charge}/dispute"
    assert requests.post(page, timeout=10).status_code == 200
