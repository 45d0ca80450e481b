"""Purchases that are paid at the sandbox, as at Stripe; a test delivers its events."""

import requests
from django.conf import settings

from accounts.tests.factories import Person
from payments.models import Payment
from payments.sandbox.models import Charge, Event
from payments.sandbox.tests.conftest import PAYING_CARD
from payments.tests.stripe_events import send

VISA = PAYING_CARD["card_number"]
MASTERCARD = "5555 5555 5555 4444"
BANK_ACCOUNT = {"payment_method": "delayed", "account_number": "000123456789"}


def pay(person: Person, cents: int = 1000, **typed: str) -> Payment:
    """Start a purchase, and pay it by card on the sandbox's page."""
    payment, page = try_to_pay(person, cents, **typed)
    assert page.status_code == 303, page.text
    return payment


def try_to_pay(person: Person, cents: int, **typed: str) -> tuple[Payment, requests.Response]:
    """Start a purchase and send the form of the sandbox's page; return what it answers."""
    order = {"amount": cents, "currency": "usd"}
    answer = person.api.post("/api/stripe/checkout-session", order, format="json")
    payment = Payment.objects.get(pk=answer.json()["payment_id"])
    form = PAYING_CARD | {"email": person.user.email} | typed
    page = requests.post(payment.checkout_url, data=form, timeout=10, allow_redirects=False)
    return payment, page


def buy(person: Person, cents: int = 1000, **typed: str) -> Payment:
    """Pay, and deliver the event to the webhook."""
    payment = pay(person, cents, **typed)
    assert send(event_body(payment)).json()["outcome"] in {"settled", "waiting"}
    payment.refresh_from_db()
    return payment


def event_body(payment: Payment, kind: str = "checkout.session.completed") -> bytes:
    """Return the sandbox's event about the payment's session."""
    event = Event.objects.get(type=kind, body__contains=f'"{payment.session_id}"')
    return event.body.encode()


def refund_at_stripe(payment: Payment, **form: str) -> None:
    """Refund the purchase, or only an `amount` in dollars."""
    _use_control("refund", payment, **form)


def dispute_at_stripe(payment: Payment) -> None:
    """Dispute the whole purchase at the sandbox."""
    _use_control("dispute", payment)


def _use_control(control: str, payment: Payment, **form: str) -> None:
    charge = Charge.objects.get(payment_intent__stripe_id=payment.payment_intent_id)
    address = f"{settings.STRIPE_API_BASE}/sandbox/charges/{charge.stripe_id}/{control}"
    assert requests.post(address, data=form, timeout=10).status_code == 200
