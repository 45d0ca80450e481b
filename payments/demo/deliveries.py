"""Hands the made-up events to the inbox, and among them now and then one that is odd."""

from collections import Counter
from datetime import datetime

from django.conf import settings

from payments import inbox
from payments.demo import letters
from payments.demo.chance import IGNORED_EVENT, QUARANTINED_EVENT, Chance
from payments.demo.letters import Json
from payments.models import StripeEvent

# What nobody subscribed to, and is sent all the same once somebody ticks "all events".
OF_NO_INTEREST = {"customer.created": 3, "charge.succeeded": 4, "payout.paid": 1}


class Deliveries:
    """The way of an event from Stripe into the books."""

    def __init__(self, *, chance: Chance, counts: Counter[str]) -> None:
        self._chance = chance
        self.counts = counts
        self._odd_ones = self._chance.deal([self._of_another_shop, self._live, self._of_other_size])

    def deliver(self, kind: str, about: Json, *, now: datetime) -> StripeEvent:
        """Record the event and process it, as the webhook does once the signature is right."""
        if self._chance.happens(IGNORED_EVENT):
            type_of = self._chance.pick(OF_NO_INTEREST)
            self._process(type_of, {"id": self._chance.name("obj")}, now)
        if about["object"] == "checkout.session" and self._chance.happens(QUARANTINED_EVENT):
            next(self._odd_ones)(kind, about, now)
        return self._process(kind, about, now)

    def record(self, kind: str, about: Json, *, now: datetime, **changes: object) -> str:
        name = self._chance.name("evt")
        return inbox.record(letters.event(name, kind, about, now=now, **changes), now=now)

    def _process(self, kind: str, about: Json, now: datetime, **changes: object) -> StripeEvent:
        self.counts["events"] += 1
        event_id = self.record(kind, about, now=now, **changes)
        return inbox.process(event_id, now=now)

    def _of_another_shop(self, kind: str, about: Json, now: datetime) -> None:
        self._process(kind, about | {"id": self._chance.name("cs_test")}, now)

    def _live(self, kind: str, about: Json, now: datetime) -> None:
        self._process(kind, about, now, livemode=not settings.STRIPE_LIVEMODE)

    def _of_other_size(self, kind: str, about: Json, now: datetime) -> None:
        self._process(kind, about | {"amount_total": 1}, now)
