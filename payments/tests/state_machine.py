"""The base of the state machine: a transaction for each history, and the reference model."""

from django.db import connection, transaction
from hypothesis.stateful import RuleBasedStateMachine, invariant
from rest_framework.test import APIClient

from accounts.models import User
from accounts.money import from_cents
from payments.models import Payment
from payments.reports.invariants import breaches
from payments.tests.actors import Caller, address
from payments.tests.reference_model import Purchase, ReferenceModel
from referrals.models import Referral
from referrals.tests.factories import ProgramFactory


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
