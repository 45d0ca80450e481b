"""Who and what a made-up story is about, each with its counterpart in the plain books."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rest_framework.test import APIClient

from accounts.tests.factories import api_with
from payments.models import Payment
from payments.tests.reference_model import Claim, Member, Purchase

PAID, UNPAID = {"payment_status": "paid"}, {"payment_status": "unpaid"}
# What Stripe can say of a session: type of the event, state of the session, what that means.
NEWS: dict[str, tuple[str, dict[str, str], str]] = {
    "paid": ("checkout.session.completed", PAID, "paid"),
    "complete, but unpaid": ("checkout.session.completed", UNPAID, "pending"),
    "paid after all": ("checkout.session.async_payment_succeeded", PAID, "paid"),
    "not paid after all": ("checkout.session.async_payment_failed", UNPAID, "failed"),
    "expired": ("checkout.session.expired", UNPAID, "expired"),
}


@dataclass(eq=False)
class Caller:
    """A member with what it takes to call the API."""

    member: Member
    user_id: int
    code: str
    api_key: str

    @property
    def api(self) -> APIClient:
        return api_with(self.api_key)


@dataclass(eq=False)
class Order:
    """A purchase in the books with our record of it."""

    purchase: Purchase
    payment: Payment


@dataclass(eq=False)
class Letter:
    """An event of Stripe's, and what the books learn from it, once."""

    event: dict[str, Any]
    learn: Callable[[], object]
    is_read: bool = False


@dataclass(eq=False)
class Demand:
    """A refund or a dispute in the books with the name that Stripe gives it."""

    claim: Claim
    order: Order
    name: str

    def letter(self, make: Callable[..., dict[str, Any]], status: str, meaning: str) -> Letter:
        told = make(self.order.payment, self.claim.cents, status, self.name)
        return Letter(told, lambda: self.claim.heard.add(meaning))


def address(mailbox: int, alias: str) -> str:
    """Return an address of the mailbox, another one for each alias."""
    return f"B.ox{mailbox}+{alias}@GoogleMail.com" if alias else f"box{mailbox}@gmail.com"
