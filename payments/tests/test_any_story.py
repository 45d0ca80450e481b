"""Whatever people, Stripe and operators do, in whatever order: the books are those of CONTRACT 2.

Hypothesis makes up stories, plays each through the doors of the program, and after every step
holds the database against a model in plain Python (`plain_books`).
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
from payments.tests.cast import NEWS, Caller, Demand, Letter, Order
from payments.tests.plain_books import Books, Claim, Purchase, Terms, Use
from payments.tests.stage import Stage
from payments.tests.stripe_events import deliver, dispute, event, refund
from referrals import review

pytestmark = pytest.mark.slow

REFUND_STATUSES = st.sampled_from(["pending", "succeeded", "failed"])
VERDICTS = st.sampled_from(["won", "warning_closed", "lost"])

AMOUNTS = st.sampled_from([1, 999, 1000, 1001, 5000])
# Of a purchase: all, a part, what just leaves the usual minimum, and a cent more than that.
SHARES = st.sampled_from(
    [
        lambda cents: cents,
        lambda cents: (cents + 1) // 2,
        lambda cents: max(cents - 1000, 1),
        lambda cents: min(max(cents - 999, 1), cents),
    ]
)


class AnyStory(Stage):
    """Each rule is something that can happen; the stage looks at what came of it."""

    callers = Bundle("callers")
    orders = Bundle("orders")
    refunds = Bundle("refunds")
    disputes = Bundle("disputes")
    letters = Bundle("letters")

    # --- How it begins ---

    @initialize(target=callers, cap=st.sampled_from([2, 1, 10]))
    def begin(self, cap: int) -> Any:
        self.books = Books(Terms(1000, 1000, minimum=1000, cap=cap))
        self.put_terms_in_force()
        alice = self.enrol(code_of=None)
        return multiple(alice, *(self.enrol(code_of=alice) for _ in range(3)))

    # --- People ---

    @rule(target=callers, code_of=st.none() | callers, alias_of=st.none() | callers)
    def registers(self, code_of: Caller | None, alias_of: Caller | None) -> Caller:
        return self.enrol(code_of, alias_of)

    @rule(target=callers, person=callers)
    def invites_oneself(self, person: Caller) -> Caller:
        return self.enrol(code_of=person, alias_of=person)

    @rule(target=orders, buyer=callers, cents=AMOUNTS)
    def orders_credits(self, buyer: Caller, cents: int) -> Any:
        asked = {"amount": cents, "currency": "usd", "user_id": self.known[0].user_id}
        answer = buyer.api.post("/api/stripe/checkout-session", asked, format="json")
        if not buyer.member.is_active:
            assert answer.status_code == 401
            return multiple()
        assert answer.status_code == 201, answer.content
        payment = Payment.objects.get(pk=answer.json()["payment_id"])
        return Order(self.books.order(buyer.member, cents), payment)

    def invited(self) -> list[Caller]:
        """Return whoever would bring a bonus by buying for enough."""
        return [
            caller
            for caller in self.known
            if caller.member.referrer
            and caller.member.is_active
            and not caller.member.has_qualified
        ]

    @precondition(lambda self: self.invited())
    @rule(target=orders, which=st.integers(0, 5), cents=AMOUNTS)
    def somebody_invited_buys(self, which: int, cents: int) -> Any:
        found = self.invited()
        return self.buys_credits(found[which % len(found)], cents)

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
        assert seen["total_uses"] == len(self.books.uses_of(member))
        assert seen["remaining_uses"] == self.books.uses_left(member)
        assert seen["pending_referrals"] == self.books.pending(member)
        assert round(seen["total_earned"] * 100) == self.books.earned(member)
        assert round(seen["current_balance"] * 100) == self.books.balance(member)

    # --- Stripe ---

    @rule(letter=letters)
    def a_letter_comes(self, letter: Letter) -> None:
        answer = deliver(letter.event)
        assert answer.status_code == 200, answer.content
        assert answer.json()["outcome"] not in {"failed", "quarantined", "ignored", "received"}
        if not letter.is_read:
            letter.is_read = True
            letter.learn()

    def post(self, letter: Letter, *, at_once: bool) -> Letter:
        if at_once:
            self.a_letter_comes(letter)
        return letter

    @rule(target=letters, order=orders, news=st.sampled_from(list(NEWS)), at_once=st.booleans())
    def the_session_changes(self, order: Order, news: str, at_once: bool) -> Letter:
        kind, changes, status = NEWS[news]
        purchase = order.purchase
        learn = {
            "paid": lambda: self.books.hear_paid(purchase),
            "pending": lambda: None,
        }.get(status, lambda: self.books.hear_closed(purchase, status))
        return self.post(Letter(event(order.payment, kind, **changes), learn), at_once=at_once)

    @rule(target=orders, buyer=callers, cents=AMOUNTS)
    def buys_credits(self, buyer: Caller, cents: int) -> Any:
        order = self.orders_credits(buyer, cents)
        if isinstance(order, Order):
            self.the_session_changes(order, "paid", at_once=True)
        return order

    def demand(self, order: Order, kind: Any, share: Callable[[int], int]) -> Demand:
        claim = Claim(kind, share(order.purchase.cents))
        order.purchase.claims.append(claim)
        return Demand(claim, order, str(self.count()))

    @rule(target=refunds, order=orders, share=SHARES)
    def we_refund(self, order: Order, share: Callable[[int], int]) -> Demand:
        demand = self.demand(order, "refund", share)
        self.a_letter_comes(demand.letter(refund, "succeeded", "succeeded"))
        return demand

    @rule(target=refunds, order=orders, share=SHARES)
    def we_ask_for_a_refund(self, order: Order, share: Callable[[int], int]) -> Demand:
        return self.demand(order, "refund", share)

    @rule(target=letters, demand=refunds, status=REFUND_STATUSES, at_once=st.booleans())
    def the_refund_changes(self, demand: Demand, status: str, at_once: bool) -> Letter:
        return self.post(demand.letter(refund, status, status), at_once=at_once)

    @rule(target=disputes, order=orders, share=SHARES)
    def the_bank_disputes(self, order: Order, share: Callable[[int], int]) -> Demand:
        demand = self.demand(order, "dispute", share)
        self.a_letter_comes(demand.letter(dispute, "needs_response", "open"))
        return demand

    @rule(target=disputes, order=orders, share=SHARES)
    def the_bank_prepares_a_dispute(self, order: Order, share: Callable[[int], int]) -> Demand:
        return self.demand(order, "dispute", share)

    @rule(target=letters, demand=disputes, at_once=st.booleans())
    def the_dispute_opens(self, demand: Demand, at_once: bool) -> Letter:
        return self.post(demand.letter(dispute, "needs_response", "open"), at_once=at_once)

    @rule(target=letters, demand=consumes(disputes), verdict=VERDICTS, at_once=st.booleans())
    def the_dispute_closes(self, demand: Demand, verdict: str, at_once: bool) -> Letter:
        meaning = "lost" if verdict == "lost" else "won"
        return self.post(demand.letter(dispute, verdict, meaning), at_once=at_once)

    # --- Operators ---

    @rule(person=callers, cents=st.sampled_from([-1250, -1, 1, 700]))
    def a_balance_is_adjusted(self, person: Caller, cents: int) -> None:
        wish = partial(
            adjustments.request_adjustment,
            user=User(pk=person.user_id),
            amount=from_cents(cents),
            category=Adjustment.Category.OTHER,
            reason="She asked",
            by=self.operator,
            token=uuid4(),
        )
        if not self.books.may_adjust(person.member, cents):
            with pytest.raises(AdjustmentRefusedError):
                wish(now=timezone.now())
            return
        asked = wish(now=timezone.now())
        assert wish(now=timezone.now()) == asked
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
        self.books.terms = Terms(*bonus, minimum=minimum, cap=cap)
        self.put_terms_in_force()

    def reviewed(self, state: str) -> list[tuple[Purchase, Use]]:
        return [(purchase, use) for purchase, use in self.books.used() if use.review == state]

    @precondition(lambda self: self.reviewed("none"))
    @rule(which=st.integers(0, 5))
    def a_bonus_is_held(self, which: int) -> None:
        found = self.reviewed("none")
        purchase, use = found[which % len(found)]
        review.hold(self.referral_of(purchase).pk, reason="one card", now=timezone.now())
        use.review = "held"

    @precondition(lambda self: self.reviewed("held"))
    @rule(which=st.integers(0, 5), verdict=st.sampled_from(["released", "voided"]))
    def a_held_bonus_is_decided(self, which: int, verdict: Any) -> None:
        found = self.reviewed("held")
        purchase, use = found[which % len(found)]
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
