"""Lets an operator be generous now and then in the made-up history, and at times too much."""

from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import NAMESPACE_OID, uuid5

from accounts import adjustments
from accounts.models import Adjustment, User
from payments.demo.timeline import Timeline
from payments.models import Payment

# After every so many purchases somebody writes in and is given something.
THANKED_EVERY = 40
# Of the gifts every so many is one that waits for a second person.
LARGE_EVERY = 8
LATER = timedelta(hours=7)


class Goodwill:
    """What is given by hand."""

    def __init__(self, *, by: User, timeline: Timeline, counts: Counter[str]) -> None:
        self._by = by
        self._timeline = timeline
        self._counts = counts

    def expect(self, payment: Payment, now: datetime) -> None:
        """Arrange a gift to the buyer, if it is time for one."""
        if self._counts["purchases"] % THANKED_EVERY == THANKED_EVERY // 2:
            self._timeline.at(now + LATER, self._give, payment)

    def _give(self, payment: Payment, *, now: datetime) -> None:
        is_large = self._counts["gifts"] % LARGE_EVERY == 1
        self._counts["gifts"] += 1
        adjustments.request_adjustment(
            user=payment.user,
            amount=Decimal("150.00") if is_large else Decimal("5.00"),
            category=Adjustment.Category.GOODWILL,
            reason="A month of trouble with the API" if is_large else "Sorry for the outage",
            by=self._by,
            token=uuid5(NAMESPACE_OID, str(payment.session_id)),
            now=now,
        )
