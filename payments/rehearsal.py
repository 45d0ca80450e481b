"""Rehearses a draft of terms: what the real purchases of the last 90 days would have earned."""

from collections import defaultdict
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.db import connection
from django.db.models import Count

from accounts.money import from_cents
from referrals import gates
from referrals.gates import Case, Decision, Referrer
from referrals.models import Program, Referral

WINDOW = timedelta(days=90)
_AT_A_TIME = 5000


@dataclass(slots=True)
class Tally:
    """Awards as they are decided, whatever becomes of them later; amounts in US dollars."""

    uses: int = 0
    held: int = 0  # of the uses
    to_referrers: Decimal = Decimal(0)
    to_referees: Decimal = Decimal(0)

    @property
    def total(self) -> Decimal:
        return self.to_referrers + self.to_referees

    def add(self, decision: str, to_referrer: Decimal, to_referee: Decimal) -> None:
        self.uses += 1
        self.held += decision == Decision.HELD
        self.to_referrers += to_referrer
        self.to_referees += to_referee


@dataclass(slots=True)
class ReferrerTally:
    """What one referrer and her friends were awarded, and would have been."""

    referrer_id: int
    username: str
    paid: Tally = field(default_factory=Tally)
    drafted: Tally = field(default_factory=Tally)

    @property
    def difference(self) -> Decimal:
        return self.drafted.total - self.paid.total


@dataclass(slots=True)
class Rehearsal:
    """The last 90 days as they were, and as they would have been under the draft."""

    draft: Program
    since: datetime
    until: datetime
    first_at: datetime | None = None  # the first purchase there was
    purchases: int = 0
    newly_qualifying: int = 0
    no_longer_qualifying: int = 0
    paid: Tally = field(default_factory=Tally)
    drafted: Tally = field(default_factory=Tally)
    spent_at: datetime | None = None  # the first purchase for which no budget was left
    lines: dict[int, ReferrerTally] = field(default_factory=dict)

    @property
    def difference(self) -> Decimal:
        return self.drafted.total - self.paid.total

    @property
    def budget_lasts(self) -> timedelta | None:
        """How long the draft's budget lasts at the pace of these purchases; None: for ever."""
        if self.draft.budget is None or self.first_at is None:
            return None
        if self.spent_at:
            return self.spent_at - self.first_at
        if not self.drafted.total:
            return None
        share = self.draft.budget / self.drafted.total
        # Beyond a lifetime the number of days is only noise, and not always a date.
        return (self.until - self.first_at) * float(min(share, Decimal(100)))

    def most_changed(self, limit: int) -> list[ReferrerTally]:
        """Return the referrers for whom most would change, then those who earn most."""
        return sorted(
            self.lines.values(),
            key=lambda line: (-abs(line.difference), -line.drafted.total, line.referrer_id),
        )[:limit]


class _Purchase(NamedTuple):
    """A purchase that was paid, with its people, and what it was awarded."""

    buyer_id: int
    cents: int
    paid_at: datetime
    decision: str
    to_referrer: Decimal | None
    to_referee: Decimal | None
    email: str
    code: str | None
    had_qualified: bool
    referrer_id: int | None
    referrer_name: str
    referrer_email: str
    is_referrer_active: bool


# One statement, and so one moment: whoever qualifies while it runs is in all of it or in nothing.
# A buyer whose first qualifying purchase is not in the window had made it before.
_PURCHASES = """
WITH qualified AS (
    SELECT user_id FROM payments
    WHERE status = 'paid' AND paid_at >= %(since)s AND bonus_decision <> ALL(%(not_qualifying)s)
)
SELECT buyer.id, payment.amount, payment.paid_at, payment.bonus_decision,
       referral.bonus_amount, referral.referee_bonus_amount,
       buyer.email, buyer.referred_by_code,
       buyer.has_made_first_purchase AND qualified.user_id IS NULL,
       referrer.id, referrer.username, referrer.email, referrer.is_active
FROM payments payment
JOIN users buyer ON buyer.id = payment.user_id
LEFT JOIN qualified ON qualified.user_id = buyer.id
LEFT JOIN users referrer ON referrer.referral_code = buyer.referred_by_code
LEFT JOIN referrals referral ON referral.id = payment.referral_id
WHERE payment.status = 'paid' AND payment.paid_at >= %(since)s
ORDER BY payment.paid_at, payment.id
"""


def rehearse(draft: Program, *, now: datetime) -> Rehearsal:
    """Return what would have been awarded, had `draft` been in force with its whole budget.

    Who had qualified and how often each code was used is as it was when the window began; people,
    their referrers among them, are as they are now. Nothing is written.
    """
    stage = _Stage(draft, since=now - WINDOW, until=now)
    for purchase in _purchases(stage.seen.since):
        stage.play(purchase)
    return stage.seen


def _purchases(since: datetime) -> Iterator[_Purchase]:
    not_qualifying = [str(decision) for decision in gates.NOT_QUALIFYING]
    # Not a cursor of the server's: for one of those PostgreSQL plans to be quick with the first
    # tenth of the rows, one by one, and all of them take minutes.
    with connection.cursor() as cursor:
        cursor.execute(_PURCHASES, {"since": since, "not_qualifying": not_qualifying})
        while rows := cursor.fetchmany(_AT_A_TIME):
            yield from map(_Purchase._make, rows)


def _uses_before(since: datetime) -> dict[int, int]:
    earlier = Referral.objects.filter(completed_at__lt=since).order_by()
    return dict(earlier.values_list("referrer").annotate(uses=Count("pk")))


class _Stage:
    """Where the purchases are played once more: what the draft would know at each of them."""

    def __init__(self, draft: Program, *, since: datetime, until: datetime) -> None:
        self.terms = copy(draft)
        self.terms.reserved = Decimal(0)
        self.uses = defaultdict(int, _uses_before(since))
        self.qualified: set[int] = set()
        self.seen = Rehearsal(draft, since, until)

    def play(self, purchase: _Purchase) -> None:
        seen = self.seen
        seen.purchases += 1
        seen.first_at = seen.first_at or purchase.paid_at
        if purchase.to_referrer is not None and purchase.to_referee is not None:
            for tally in (seen.paid, self._line(purchase).paid):
                tally.add(purchase.decision, purchase.to_referrer, purchase.to_referee)
        decision = gates.decide_on(self._case(purchase))
        self._note_qualification(purchase, decision)
        if decision in gates.TAKING_A_USE:
            self._award(purchase, decision)
        elif decision == Decision.BUDGET_SPENT and seen.spent_at is None:
            seen.spent_at = purchase.paid_at

    def _case(self, purchase: _Purchase) -> Case:
        referrer = None
        if purchase.referrer_id is not None:
            referrer = Referrer(
                purchase.referrer_id,
                purchase.referrer_name,
                purchase.referrer_email,
                purchase.is_referrer_active,
            )
        return Case(
            terms=self.terms,
            amount=from_cents(purchase.cents),
            buyer_id=purchase.buyer_id,
            buyer_email=purchase.email,
            has_qualified=purchase.had_qualified or purchase.buyer_id in self.qualified,
            code=purchase.code,
            referrer=referrer,
            uses=self.uses.get(purchase.referrer_id or 0, 0),
        )

    def _note_qualification(self, purchase: _Purchase, decision: Decision) -> None:
        qualified = purchase.decision not in gates.NOT_QUALIFYING
        qualifies = decision not in gates.NOT_QUALIFYING
        self.seen.newly_qualifying += qualifies and not qualified
        self.seen.no_longer_qualifying += qualified and not qualifies
        if qualifies:
            self.qualified.add(purchase.buyer_id)

    def _award(self, purchase: _Purchase, decision: Decision) -> None:
        terms, line = self.terms, self._line(purchase)
        self.uses[line.referrer_id] += 1
        terms.reserved += terms.award
        for tally in (self.seen.drafted, line.drafted):
            tally.add(decision, terms.referrer_bonus, terms.referee_bonus)

    def _line(self, purchase: _Purchase) -> ReferrerTally:
        key = purchase.referrer_id or 0
        return self.seen.lines.setdefault(key, ReferrerTally(key, purchase.referrer_name))
