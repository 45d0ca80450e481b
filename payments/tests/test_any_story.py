"""After any history of actions by people, Stripe and operators, the database obeys CONTRACT 2.

Hypothesis generates histories, plays them through the API, the webhook and the domain functions,
and after every step compares the database with a model in plain Python (`reference_model`).
"""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    consumes,
    initialize,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts import adjustments
from accounts.adjustment_rules import AdjustmentRefusedError
from accounts.models import Adjustment, User
from accounts.money import from_cents
from accounts.tests.factories import api_with
from payments.models import Payment
from payments.tests.reference_model import Clawback, Purchase, ReferenceModel, Terms, Use
from payments.tests.state_machine import (
    SESSION_CHANGES,
    Caller,
    Case,
    Message,
    Order,
    ReferralStateMachine,
)
from payments.tests.stripe_events import deliver, dispute, event, refund
from referrals import review

pytestmark = pytest.mark.slow

SESSIONS = st.sampled_from(list(SESSION_CHANGES))
REFUND_STATUSES = st.sampled_from(["pending", "succeeded", "failed"])
VERDICTS = st.sampled_from(["won", "warning_closed", "lost"])

AMOUNTS = st.sampled_from([1, 999, 1000, 1001, 5000])
# Shares of a purchase: all, half, so much that the minimum is left, and one cent more.
SHARES = st.sampled_from(
    [
        lambda cents: cents,
        lambda cents: (cents + 1) // 2,
        lambda cents: max(cents - 1000, 1),
        lambda cents: min(max(cents - 999, 1), cents),
    ]
)


class AnyStory(ReferralStateMachine):
    """Each rule is something that can happen; the base class checks the result."""

    callers = Bundle("callers")
    orders = Bundle("orders")
    refunds = Bundle("refunds")
    disputes = Bundle("disputes")
    messages = Bundle("messages")

    # --- Start ---

    @initialize(target=callers, cap=st.sampled_from([2, 1, 10]))
    def begin(self, cap: int) -> Any:
        self.model = ReferenceModel(Terms(1000, 1000, minimum=1000, cap=cap))
        self.start_terms()
        alice = self.register(code_of=None)
        return multiple(alice, *(self.register(code_of=alice) for _ in range(3)))

    # --- People ---

    @rule(target=callers, code_of=st.none() | callers, alias_of=st.none() | callers)
    def registers(self, code_of: Caller | None, alias_of: Caller | None) -> Caller:
        return self.register(code_of, alias_of)

    @rule(target=callers, person=callers)
    def invites_oneself(self, person: Caller) -> Caller:
        return self.register(code_of=person, alias_of=person)

    @rule(person=callers, owner=callers)
    def claims_a_code(self, person: Caller, owner: Caller) -> None:
        member, code = person.member, {"referral_code": owner.code}
        answer = person.api.post("/referral/claim", code, format="json")
        if not member.is_active:
            assert answer.status_code == 401
        elif member.referrer or self.model.has_bought(member):
            reason = "already_invited" if member.referrer else "already_bought"
            assert (answer.status_code, answer.json()["code"]) == (409, reason)
        else:
            applied = self.model.claim(member, owner.member)
            assert answer.json()["referral"]["applied"] is applied

    @rule(target=orders, buyer=callers, cents=AMOUNTS)
    def orders_credits(self, buyer: Caller, cents: int) -> Any:
        asked = {"amount": cents, "currency": "usd", "user_id": self.registered[0].user_id}
        answer = buyer.api.post("/api/stripe/checkout-session", asked, format="json")
        if not buyer.member.is_active:
            assert answer.status_code == 401
            return multiple()
        assert answer.status_code == 201, answer.content
        payment = Payment.objects.get(pk=answer.json()["payment_id"])
        return Order(self.model.order(buyer.member, cents), payment)

    def invited(self) -> list[Caller]:
        """Return the people whose next qualifying purchase earns a bonus."""
        return [
            caller
            for caller in self.registered
            if caller.member.referrer
            and caller.member.is_active
            and not caller.member.has_qualified
        ]

    @precondition(lambda self: self.invited())
    @rule(target=orders, which=st.integers(0, 5), cents=AMOUNTS)
    def somebody_invited_buys(self, which: int, cents: int) -> Any:
        candidates = self.invited()
        return self.buys_credits(candidates[which % len(candidates)], cents)

    @rule(person=callers)
    def rotates_the_key(self, person: Caller) -> None:
        if not person.member.is_active:
            return
        old_key, path = person.api_key, "/user/api-keys"
        [old] = person.api.get(path).json()
        person.api_key = person.api.post(path, {}, format="json").json()["api_key"]
        assert person.api.delete(f"{path}/{old['id']}").status_code == 204
        assert api_with(old_key).get(path).status_code == 401
        assert person.api.get(path).status_code == 200

    @rule(person=callers)
    def looks(self, person: Caller) -> None:
        member, answer = person.member, person.api.get("/referral/stats")
        if not member.is_active:
            assert answer.status_code == 401
            return
        seen = answer.json()
        assert seen["total_uses"] == len(self.model.uses_of(member))
        assert seen["remaining_uses"] == self.model.uses_left(member)
        assert seen["pending_referrals"] == self.model.pending(member)
        assert round(seen["total_earned"] * 100) == self.model.earned(member)
        assert round(seen["current_balance"] * 100) == self.model.balance(member)

    # --- Stripe ---

    @rule(message=messages)
    def stripe_delivers(self, message: Message) -> None:
        answer = deliver(message.event)
        assert answer.status_code == 200, answer.content
        assert answer.json()["outcome"] not in {"failed", "quarantined", "ignored", "received"}
        if not message.is_applied:
            message.is_applied = True
            message.apply()

    def send(self, message: Message, *, now: bool) -> Message:
        if now:
            self.stripe_delivers(message)
        return message

    @rule(
        target=messages,
        order=orders,
        change=SESSIONS,
        now=st.booleans(),
    )
    def the_session_changes(self, order: Order, change: str, now: bool) -> Message:
        kind, changes, status = SESSION_CHANGES[change]
        purchase = order.purchase
        apply = {
            "paid": lambda: self.model.mark_paid(purchase),
            "pending": lambda: None,
        }.get(status, lambda: self.model.mark_closed(purchase, status))
        return self.send(Message(event(order.payment, kind, **changes), apply), now=now)

    @rule(target=orders, buyer=callers, cents=AMOUNTS)
    def buys_credits(self, buyer: Caller, cents: int) -> Any:
        order = self.orders_credits(buyer, cents)
        if isinstance(order, Order):
            self.the_session_changes(order, "paid", now=True)
        return order

    def open_case(self, order: Order, kind: Any, share: Callable[[int], int]) -> Case:
        clawback = Clawback(kind, share(order.purchase.cents))
        order.purchase.clawbacks.append(clawback)
        return Case(clawback, order, str(self.count()))

    @rule(target=refunds, order=orders, share=SHARES)
    def we_refund(self, order: Order, share: Callable[[int], int]) -> Case:
        case = self.open_case(order, "refund", share)
        self.stripe_delivers(case.message(refund, "succeeded", "succeeded"))
        return case

    @rule(target=refunds, order=orders, share=SHARES)
    def we_ask_for_a_refund(self, order: Order, share: Callable[[int], int]) -> Case:
        return self.open_case(order, "refund", share)

    @rule(target=messages, case=refunds, status=REFUND_STATUSES, now=st.booleans())
    def the_refund_changes(self, case: Case, status: str, now: bool) -> Message:
        return self.send(case.message(refund, status, status), now=now)

    @rule(target=disputes, order=orders, share=SHARES)
    def the_bank_disputes(self, order: Order, share: Callable[[int], int]) -> Case:
        case = self.open_case(order, "dispute", share)
        self.stripe_delivers(case.message(dispute, "needs_response", "open"))
        return case

    @rule(target=disputes, order=orders, share=SHARES)
    def the_bank_prepares_a_dispute(self, order: Order, share: Callable[[int], int]) -> Case:
        return self.open_case(order, "dispute", share)

    @rule(target=messages, case=disputes, now=st.booleans())
    def the_dispute_opens(self, case: Case, now: bool) -> Message:
        return self.send(case.message(dispute, "needs_response", "open"), now=now)

    @rule(target=messages, case=consumes(disputes), verdict=VERDICTS, now=st.booleans())
    def the_dispute_closes(self, case: Case, verdict: str, now: bool) -> Message:
        meaning = "lost" if verdict == "lost" else "won"
        return self.send(case.message(dispute, verdict, meaning), now=now)

    # --- Operators ---

    @rule(person=callers, cents=st.sampled_from([-1250, -1, 1, 700]))
    def a_balance_is_adjusted(self, person: Caller, cents: int) -> None:
        request = partial(
            adjustments.request_adjustment,
            user=User(pk=person.user_id),
            amount=from_cents(cents),
            category=Adjustment.Category.OTHER,
            reason="They asked",
            by=self.operator,
            token=uuid4(),
        )
        if not self.model.may_adjust(person.member, cents):
            with pytest.raises(AdjustmentRefusedError):
                request(now=timezone.now())
            return
        asked = request(now=timezone.now())
        assert request(now=timezone.now()) == asked
        if asked.status == Adjustment.Status.WAITING:
            adjustments.approve(asked.pk, by=self.approver, note="looked", now=timezone.now())
        person.member.adjustments.append(cents)

    @rule(person=callers)
    def somebody_is_deactivated_or_comes_back(self, person: Caller) -> None:
        person.member.is_active = not person.member.is_active
        User.objects.filter(pk=person.user_id).update(is_active=person.member.is_active)

    @rule(
        bonus=st.sampled_from([(1000, 1000), (500, 750)]),
        minimum=st.sampled_from([1000, 500, 2000]),
        cap=st.sampled_from([1, 2, 10]),
    )
    def the_terms_change(self, bonus: tuple[int, int], minimum: int, cap: int) -> None:
        self.model.terms = Terms(*bonus, minimum=minimum, cap=cap)
        self.start_terms()

    def reviewed(self, state: str) -> list[tuple[Purchase, Use]]:
        return [(purchase, use) for purchase, use in self.model.used() if use.review == state]

    @precondition(lambda self: self.reviewed("none"))
    @rule(which=st.integers(0, 5))
    def a_bonus_is_held(self, which: int) -> None:
        candidates = self.reviewed("none")
        purchase, use = candidates[which % len(candidates)]
        review.hold(self.referral_of(purchase).pk, reason="one card", now=timezone.now())
        use.review = "held"

    @precondition(lambda self: self.reviewed("held"))
    @rule(which=st.integers(0, 5), verdict=st.sampled_from(["released", "voided"]))
    def a_held_bonus_is_decided(self, which: int, verdict: Any) -> None:
        candidates = self.reviewed("held")
        purchase, use = candidates[which % len(candidates)]
        decide = {"released": review.release, "voided": review.void}[verdict]
        referral = self.referral_of(purchase)
        try:
            decide(referral.pk, by=self.operator, note="looked", now=timezone.now())
        except review.ReferrerGoneError:
            assert verdict == "released"
            assert not use.referrer.is_active
        else:
            assert verdict == "voided" or use.referrer.is_active
            use.review = verdict


@pytest.mark.usefixtures("quiet", "sandbox")
@pytest.mark.django_db(transaction=True)
def test_any_story_ends_with_the_books_of_the_contract() -> None:
    run_state_machine_as_test(AnyStory)
