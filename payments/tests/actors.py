"""The people, orders and events of a random history, each with its part of the reference model."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rest_framework.test import APIClient

from accounts.tests.factories import api_with
from payments.models import Payment
from payments.tests.reference_model import Clawback, Member, Purchase

PAID, UNPAID = {"payment_status": "paid"}, {"payment_status": "unpaid"}
# How a session can change: event type, fields of the session, status of the payment.
SESSION_CHANGES: dict[str, tuple[str, dict[str, str], str]] = {
    "paid": ("checkout.session.completed", PAID, "paid"),
    "complete but unpaid": ("checkout.session.completed", UNPAID, "pending"),
    "delayed payment succeeded": ("checkout.session.async_payment_succeeded", PAID, "paid"),
    "delayed payment failed": ("checkout.session.async_payment_failed", UNPAID, "failed"),
    "expired": ("checkout.session.expired", UNPAID, "expired"),
}


@dataclass(eq=False)
class Caller:
    """A member of the model, with the data to call the API."""

    member: Member
    user_id: int
    code: str
    api_key: str

    @property
    def api(self) -> APIClient:
        return api_with(self.api_key)


@dataclass(eq=False)
class Order:
    """A purchase of the model, with our payment."""

    purchase: Purchase
    payment: Payment


@dataclass(eq=False)
class Message:
    """An event of Stripe's, and its effect on the model, once."""

    event: dict[str, Any]
    apply: Callable[[], object]
    is_applied: bool = False


@dataclass(eq=False)
class Case:
    """A refund or a dispute at Stripe, under this name."""

    clawback: Clawback
    order: Order
    name: str

    def message(self, make: Callable[..., dict[str, Any]], status: str, meaning: str) -> Message:
        event = make(self.order.payment, self.clawback.cents, status, self.name)
        return Message(event, lambda: self.order.purchase.hear(self.clawback, meaning))


def address(mailbox: int, alias: str) -> str:
    """Return an address of the mailbox, another one for each alias."""
    return f"B.ox{mailbox}+{alias}@GoogleMail.com" if alias else f"box{mailbox}@gmail.com"
