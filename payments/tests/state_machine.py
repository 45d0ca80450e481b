"""The state machine's base; its people, orders and events with their parts of the model."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from hypothesis.stateful import RuleBasedStateMachine, invariant
from rest_framework.test import APIClient

from accounts.models import User
from accounts.money import from_cents
from accounts.tests.factories import api_with
from payments.models import Payment
from payments.reports.invariants import breaches
from payments.tests.reference_model import Clawback, Member, Purchase, ReferenceModel
from referrals.models import Referral
from referrals.tests.factories import ProgramFactory

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


class ReferralStateMachine(RuleBasedStateMachine):
    """Compares the database with the model after every step, and rolls back at the end."""

    model: ReferenceModel

    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.operator, self.approver = (
            User.objects.create(username=name, email=f"{name}@example.com", is_superuser=True)
            for name in ("olivia", "otto")
        )
        self.registered: list[Caller] = []
        self.counter = 0

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)

    def count(self) -> int:
        self.counter += 1
        return self.counter

    def start_terms(self) -> None:
        terms = self.model.terms
        ProgramFactory.create(
            referrer_bonus=from_cents(terms.referrer_bonus),
            referee_bonus=from_cents(terms.referee_bonus),
            minimum_purchase=from_cents(terms.minimum),
            max_uses=terms.cap,
        )

    def register(self, code_of: Caller | None, alias_of: Caller | None = None) -> Caller:
        number = self.count()
        name = f"person{number}"
        mailbox = alias_of.member.mailbox if alias_of else number
        form = {
            "username": name,
            "email": address(mailbox, name if alias_of else ""),
            "auth_method": "email",
            "referral_code": code_of and f" {code_of.code.lower()}",
        }
        answer = APIClient().post("/auth/register", form, format="json").json()
        member = self.model.register(name, mailbox, code_of.member if code_of else None)
        assert answer["referral"]["applied"] == (member.referrer is not None)
        caller = Caller(member, answer["user_id"], answer["referral_code"], answer["api_key"])
        self.registered.append(caller)
        return caller

    def referral_of(self, purchase: Purchase) -> Referral:
        return Referral.objects.get(referred_user__username=purchase.buyer.name)

    @invariant()
    def accounts_match_the_model(self) -> None:
        owners = {caller.code: caller.member.name for caller in self.registered}
        people = User.objects.exclude(is_superuser=True).values_list(
            "username", "credits", "has_made_first_purchase", "referred_by_code"
        )
        assert {
            name: (credit, flag, owners.get(code or "")) for name, credit, flag, code in people
        } == {
            member.name: (
                from_cents(self.model.balance(member)),
                member.has_qualified,
                member.referrer and member.referrer.name,
            )
            for member in self.model.members
        }

    @invariant()
    def uses_match_the_model(self) -> None:
        referrals = Referral.objects.values_list(
            "referred_user__username", "referrer__username", "use_number", "status", "bonus_amount"
        )
        assert set(referrals) == {
            (
                purchase.buyer.name,
                use.referrer.name,
                use.use_number,
                purchase.use_status,
                from_cents(use.terms.referrer_bonus),
            )
            for purchase, use in self.model.used()
        }

    @invariant()
    def purchases_match_the_model(self) -> None:
        payments = Payment.objects.order_by("pk").values_list("status", "taken_back")
        assert list(payments) == [
            (purchase.status, purchase.taken_back) for purchase in self.model.purchases
        ]

    @invariant()
    def invariants_of_money_hold(self) -> None:
        assert breaches() == []
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
