"""Lets made-up people buy credits: checkout, payment, and what Stripe says of both."""

from collections import Counter
from datetime import datetime, timedelta

from django.conf import settings

from payments import cards, checkout
from payments.demo import letters
from payments.demo.chance import (
    BEGINS_SMALL,
    BUYS_AFTER_SMALL,
    BUYS_AGAIN,
    TRIES_AGAIN,
    Chance,
    Checkout,
    Invitee,
)
from payments.demo.deliveries import Deliveries
from payments.demo.goodwill import Goodwill
from payments.demo.people import Person
from payments.demo.reviews import Reviews
from payments.demo.timeline import Timeline
from payments.demo.trouble import Purchase, Trouble
from payments.models import Payment, StripeEvent
from referrals.models import Referral

COMPLETED = "checkout.session.completed"
SUCCEEDED_LATE = "checkout.session.async_payment_succeeded"
FAILED_LATE = "checkout.session.async_payment_failed"
EXPIRED = "checkout.session.expired"
MINUTE = timedelta(minutes=1)


class Purchases:
    """What is bought, and how it ends."""

    def __init__(
        self,
        *,
        chance: Chance,
        timeline: Timeline,
        deliveries: Deliveries,
        reviews: Reviews,
        goodwill: Goodwill,
    ) -> None:
        self._chance = chance
        self._timeline = timeline
        self._deliveries = deliveries
        self._reviews = reviews
        self._goodwill = goodwill
        self._trouble = Trouble(chance=chance, timeline=timeline, deliveries=deliveries)
        self._counts: Counter[str] = deliveries.counts
        self._customers: list[Person] = []

    def expect(self, person: Person, now: datetime) -> None:
        """Arrange the first purchase of somebody who is going to buy."""
        if person.kind is Invitee.SAME_CARD and person.referrer:
            # Who invites himself has a card to do it with.
            self._timeline.at(now + 5 * MINUTE, self._buy, person.referrer, 500)
        after = self._chance.days(0.2) if person.deals_with_himself else self._chance.days(3, 1.3)
        begins_small = not person.deals_with_himself and self._chance.happens(BEGINS_SMALL)
        cents = self._chance.small_amount() if begins_small else self._chance.amount()
        self._timeline.at(now + after, self._buy, person, cents)

    def get_stuck(self, *, now: datetime) -> None:
        """Let somebody buy again, and the event of it fail whenever Stripe delivers it."""
        if self._customers:
            person = self._chance.random.choice(self._customers)
            purchase = self._begin(person, self._chance.amount(), now)
            self._timeline.at(now + 2 * MINUTE, self._trouble.get_stuck, purchase)

    def _buy(self, person: Person, cents: int, *, now: datetime) -> None:
        self._end(self._begin(person, cents, now), next(self._chance.checkouts), now)

    def _begin(self, person: Person, cents: int, now: datetime) -> Purchase:
        order = checkout.Order(
            amount=cents,
            currency="usd",
            success_url=f"{settings.FRONTEND_URL}/payment/success",
            cancel_url=f"{settings.FRONTEND_URL}/payment/cancel",
        )
        payment = checkout.record(user=person.user, order=order, idempotency_key=None, now=now)
        session_id = self._chance.name("cs_test")
        checkout.attach_session(payment, letters.opened(payment, session_id, now=now))
        self._counts["checkouts"] += 1
        return Purchase(person, payment, session_id)

    def _end(self, purchase: Purchase, how: Checkout, now: datetime) -> None:
        soon = now + self._chance.random.randint(40, 400) * timedelta(seconds=1)
        if how is Checkout.EXPIRED:
            self._timeline.at(now + letters.SESSION_LASTS, self._close, purchase, EXPIRED)
        elif how is Checkout.PAID:
            self._timeline.at(soon, self._settle, purchase, COMPLETED)
        else:
            self._timeline.at(soon, self._wait, purchase)
            late = soon + self._chance.days(2, 0.3)
            if how is Checkout.FAILED:
                self._timeline.at(late, self._close, purchase, FAILED_LATE)
            else:
                self._timeline.at(late, self._settle, purchase, SUCCEEDED_LATE)

    def _wait(self, purchase: Purchase, *, now: datetime) -> None:
        self._deliveries.deliver(COMPLETED, purchase.session(payment_status="unpaid"), now=now)

    def _close(self, purchase: Purchase, kind: str, *, now: datetime) -> None:
        self._deliveries.deliver(kind, purchase.session(payment_status="unpaid"), now=now)
        self._counts["unpaid"] += 1
        if self._chance.happens(TRIES_AGAIN):
            again = now + self._chance.days(0.5)
            self._timeline.at(again, self._buy, purchase.person, purchase.payment.amount)

    def _settle(self, purchase: Purchase, kind: str, *, now: datetime) -> None:
        event = self._deliveries.deliver(kind, purchase.session(), now=now)
        payment = event.payment
        if event.outcome != StripeEvent.Outcome.SETTLED or payment is None:
            raise ValueError(f"{event} should have settled, but is {event.outcome}: {event.reason}")
        self._counts["purchases"] += 1
        self._customers.append(purchase.person)
        if referral := payment.referral:
            self._counts["referrals"] += 1
            if referral.status == Referral.Status.HELD:
                self._reviews.expect(referral, now)
        card = "" if kind == SUCCEEDED_LATE else purchase.person.card
        self._timeline.at(now + MINUTE, self._look_at_card, payment, card)
        self._goodwill.expect(payment, now)
        self._trouble.expect(purchase, next(self._chance.aftermaths), now)
        self._expect_another(purchase, now)

    def _look_at_card(self, payment: Payment, card: str, *, now: datetime) -> None:
        """Note what the job would have learned from Stripe, so that it need not ask."""
        for referral in cards.record_card(payment, card, now=now):
            self._reviews.expect(referral, now)

    def _expect_another(self, purchase: Purchase, now: datetime) -> None:
        is_small = purchase.payment.amount < 1000
        if self._chance.happens(BUYS_AFTER_SMALL if is_small else BUYS_AGAIN):
            after = self._chance.days(5 if is_small else 22)
            self._timeline.at(now + after, self._buy, purchase.person, self._chance.amount())
