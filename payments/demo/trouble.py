"""Lets made-up purchases end in refunds, disputes, double reports and a busy database."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from accounts.advisory_locks import TAKE_TURN
from payments import inbox
from payments.demo import letters
from payments.demo.chance import Aftermath, Chance
from payments.demo.deliveries import Deliveries
from payments.demo.people import Person
from payments.demo.timeline import Timeline
from payments.models import Payment

COMPLETED = "checkout.session.completed"
REFUND_CREATED, REFUND_FAILED = "refund.created", "refund.failed"
DISPUTE_CREATED, DISPUTE_CLOSED = "charge.dispute.created", "charge.dispute.closed"
# How often Stripe has delivered an event by the end that fails each time.
DELIVERIES = 7

_DISPUTE_ENDS = {
    Aftermath.DISPUTE_LOST: "lost",
    Aftermath.DISPUTE_WON: "won",
    Aftermath.INQUIRY: "warning_closed",
}


@dataclass(frozen=True, eq=False)
class Purchase:
    """A purchase in the history, with the session that Stripe knows it by."""

    person: Person
    payment: Payment
    session_id: str

    def session(self, **changes: object) -> letters.Json:
        return letters.session(self.payment, self.session_id, **changes)

    def claim(self, name: str, cents: int, status: str) -> letters.Json:
        return letters.claim(name, self.session_id, cents=cents, status=status)


class Trouble:
    """What comes after a purchase was paid."""

    def __init__(self, *, chance: Chance, timeline: Timeline, deliveries: Deliveries) -> None:
        self._chance = chance
        self._timeline = timeline
        self._deliveries = deliveries

    def expect(self, purchase: Purchase, what: Aftermath, now: datetime) -> None:
        """Arrange what becomes of a paid purchase; mostly nothing."""
        if what is Aftermath.REPORTED_TWICE:
            self._timeline.at(now + timedelta(minutes=2), self._report_again, purchase)
        elif what in (Aftermath.REFUNDED, Aftermath.REFUNDED_PARTLY, Aftermath.REFUND_FAILED):
            self._timeline.at(now + self._chance.days(4), self._refund, purchase, what)
        elif what in _DISPUTE_ENDS:
            self._timeline.at(now + self._chance.days(18), self._dispute, purchase, what)

    def _report_again(self, purchase: Purchase, *, now: datetime) -> None:
        self._deliveries.deliver(COMPLETED, purchase.session(), now=now)

    def _refund(self, purchase: Purchase, what: Aftermath, *, now: datetime) -> None:
        part = self._chance.random.choice((2, 4)) if what is Aftermath.REFUNDED_PARTLY else 1
        name, cents = self._chance.name("re"), purchase.payment.amount // part
        succeeded = purchase.claim(name, cents, "succeeded")
        self._deliveries.deliver(REFUND_CREATED, succeeded, now=now)
        self._deliveries.counts["refunds"] += 1
        if what is Aftermath.REFUND_FAILED:
            failed = purchase.claim(name, cents, "failed")
            self._timeline.at(now + self._chance.days(3), self._report, REFUND_FAILED, failed)

    def _dispute(self, purchase: Purchase, what: Aftermath, *, now: datetime) -> None:
        name, cents = self._chance.name("dp"), purchase.payment.amount
        is_inquiry = what is Aftermath.INQUIRY
        status = "warning_needs_response" if is_inquiry else "needs_response"
        self._deliveries.deliver(DISPUTE_CREATED, purchase.claim(name, cents, status), now=now)
        self._deliveries.counts["disputes"] += 1
        closed = purchase.claim(name, cents, _DISPUTE_ENDS[what])
        self._timeline.at(now + self._chance.days(35), self._report, DISPUTE_CLOSED, closed)

    def _report(self, kind: str, about: letters.Json, *, now: datetime) -> None:
        self._deliveries.deliver(kind, about, now=now)

    def get_stuck(self, purchase: Purchase, *, now: datetime) -> None:
        """Let the event of a purchase come, and fail each time that Stripe delivers it."""
        self._deliveries.counts["failed"] += 1
        event_id = self._deliveries.record(COMPLETED, purchase.session(), now=now)
        left = self._timeline.ends_at - now
        for delivery in range(DELIVERIES):
            moment = now + left * (delivery / DELIVERIES) ** 2
            self._timeline.at(moment, self._fail, purchase, event_id)

    @staticmethod
    def _fail(purchase: Purchase, event_id: str, *, now: datetime) -> None:
        with _somebody_else_works_on(letters.intent_of(purchase.session_id)):
            inbox.attempt(event_id, now=now)


@contextmanager
def _somebody_else_works_on(payment_intent_id: str) -> Iterator[None]:
    """Keep the turn of a payment intent in another connection, and wait for it here but shortly.

    So the event fails of itself, as it would when something holds the database up.
    """
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as theirs, connection.cursor() as ours:
            theirs.execute(TAKE_TURN, [payment_intent_id])
            ours.execute("SET LOCAL lock_timeout = '10ms'")
            yield
            ours.execute("SET LOCAL lock_timeout TO DEFAULT")
    finally:
        other.close()
