"""Simulates a draft of terms: what the real purchases of the last 90 days would have earned."""

from collections import Counter
from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any, NamedTuple

from django.db.models import Count

from accounts import report_database
from accounts.models import User
from accounts.money import from_cents
from payments.purchases import columns_of, listed, read_row
from referrals import eligibility
from referrals.conditions import Conditions
from referrals.eligibility import Decision, Inputs
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
class Comparison:
    """What was awarded, and what would have been: to one referrer and their friends, or to all."""

    referrer_id: int = 0
    username: str = ""
    paid: Tally = field(default_factory=Tally)
    drafted: Tally = field(default_factory=Tally)

    @property
    def difference(self) -> Decimal:
        return self.drafted.total - self.paid.total


_PERSON = columns_of(
    User,
    "id username email referred_by_code has_made_first_purchase is_active created_at claimed_at",
)


class _Purchase(NamedTuple):
    """A purchase that was paid, with its people, and what it was awarded."""

    cents: int
    paid_at: datetime
    decision: str
    to_referrer: Decimal | None
    to_referee: Decimal | None
    is_claimed_later: bool
    buyer: User
    referrer: User | None


# One statement, and so one moment: a buyer who qualifies while it runs is in all of it or in
# nothing. A buyer whose first qualifying purchase is not in the window had made it before.
_PURCHASES = f"""
WITH qualified AS (
    SELECT user_id FROM payments
    WHERE status = 'paid' AND paid_at >= %(since)s AND bonus_decision <> ALL(%(not_qualifying)s)
)
SELECT payment.amount, payment.paid_at, payment.bonus_decision,
       referral.bonus_amount, referral.referee_bonus_amount,
       COALESCE(payment.paid_at < date_trunc('second', buyer.claimed_at), FALSE),
       qualified.user_id IS NULL,
       {listed("buyer", _PERSON)}, {listed("referrer", _PERSON)}
FROM payments payment
JOIN users buyer ON buyer.id = payment.user_id
LEFT JOIN qualified ON qualified.user_id = buyer.id
LEFT JOIN users referrer ON referrer.referral_code = buyer.referred_by_code
LEFT JOIN referrals referral ON referral.id = payment.referral_id
WHERE payment.status = 'paid' AND payment.paid_at >= %(since)s
ORDER BY payment.paid_at, payment.id
"""


@dataclass(slots=True)
class Simulation:
    """The last 90 days as they were, and as they would have been under the draft."""

    draft: Program
    since: datetime
    until: datetime
    first_at: datetime | None = None  # the time of the first purchase
    purchases: int = 0
    newly_qualifying: int = 0
    no_longer_qualifying: int = 0
    all: Comparison = field(default_factory=Comparison)
    referrers: dict[int, Comparison] = field(default_factory=dict)
    spent_at: datetime | None = None  # the first purchase for which no budget was left
    by_promise: int = 0  # uses by the terms of the sign-up, which bring more than the draft
    earlier: list[Program] = field(default_factory=list)  # terms before the window, newest first
    # What would be known at each purchase, had the draft been in force.
    _uses: Counter[int | None] = field(default_factory=Counter)
    _qualified: set[int] = field(default_factory=set)

    @property
    def budget_lasts(self) -> timedelta | None:
        """How long the draft's budget lasts at the pace of these purchases; None: for ever."""
        if self.draft.budget is None or self.first_at is None:
            return None
        if self.spent_at:
            return self.spent_at - self.first_at
        if not self.draft.reserved:
            return None
        share = self.draft.budget / self.draft.reserved
        # Beyond a lifetime the number of days is only noise, and not always a date.
        return (self.until - self.first_at) * float(min(share, Decimal(100)))

    def most_changed(self, limit: int) -> list[Comparison]:
        """Return the referrers for whom most would change, then those who earn most."""
        return sorted(
            self.referrers.values(),
            key=lambda one: (-abs(one.difference), -one.drafted.total, one.referrer_id),
        )[:limit]

    def repeat(self, purchase: _Purchase) -> None:
        """Decide a purchase again, by the checks that decide real ones."""
        self.purchases += 1
        self.first_at = self.first_at or purchase.paid_at
        if purchase.to_referrer is not None and purchase.to_referee is not None:
            for one in self._comparisons(purchase):
                one.paid.add(purchase.decision, purchase.to_referrer, purchase.to_referee)
        inputs, terms = self._judge(purchase)
        decision = eligibility.decide(inputs)
        qualified = purchase.decision not in eligibility.NOT_QUALIFYING
        if decision not in eligibility.NOT_QUALIFYING:
            self._qualified.add(purchase.buyer.pk)
            self.newly_qualifying += not qualified
        else:
            self.no_longer_qualifying += qualified
        if decision in eligibility.TAKING_A_USE:
            self._uses[inputs.referrer_id] += 1
            self.by_promise += inputs.is_promised
            self.draft.reserved += inputs.award if terms is self.draft else 0
            for one in self._comparisons(purchase):
                one.drafted.add(decision, terms.referrer_bonus, terms.referee_bonus)
        elif decision == Decision.BUDGET_SPENT:
            self.spent_at = self.spent_at or purchase.paid_at

    def _judge(self, purchase: _Purchase) -> tuple[Inputs, Program]:
        """Return the terms that bring more, the draft's or those of the sign-up (CONTRACT 2.12)."""
        buyer, referrer = purchase.buyer, purchase.referrer
        buyer.has_made_first_purchase |= buyer.pk in self._qualified
        found = Conditions(
            terms=self.draft,
            promised=self._promised(purchase),
            uses=self._uses[referrer.pk if referrer else None],
            is_mailbox_of_friend=False,  # held or awarded, it counts as one
            is_claimed_later=purchase.is_claimed_later,
        )
        return found.judge(buyer=buyer, referrer=referrer, amount=from_cents(purchase.cents))

    def _promised(self, purchase: _Purchase) -> Program | None:
        """Return the terms of a sign-up from before the window, while they bind us."""
        invited_at = purchase.buyer.attributed_at
        if purchase.buyer.referred_by_code is None or invited_at >= self.since:
            return None
        terms = next((one for one in self.earlier if one.starts_at <= invited_at), None)
        if terms is None or purchase.paid_at >= terms.offer_ends(invited_at):
            return None
        return terms

    def _comparisons(self, purchase: _Purchase) -> tuple[Comparison, Comparison]:
        """Return where a purchase counts: of its referrer, and of all."""
        key, name = (one.pk, one.username) if (one := purchase.referrer) else (0, "")
        return self.referrers.setdefault(key, Comparison(key, name)), self.all


def simulate(draft: Program, *, now: datetime) -> Simulation:
    """Return what would have been awarded, had `draft` been in force with its whole budget.

    A sign-up from before the window keeps the terms that were promised, if these bring more. What
    refunds return to the budget is not foreseen.
    Who had qualified and how often each code was used is as it was when the window began; people,
    their referrers among them, are as they are now. Nothing is written.
    """
    since = now - WINDOW
    earlier = Referral.objects.filter(completed_at__lt=since).order_by().values_list("referrer")
    uses = Counter[int | None](dict(earlier.annotate(uses=Count("pk"))))
    terms = list(Program.objects.approved().filter(starts_at__lt=since).order_by("-starts_at"))
    for one in terms:
        one.budget = None  # theirs are not simulated
    draft = copy(draft)
    draft.reserved = Decimal(0)
    simulation = Simulation(draft, since, until=now, earlier=terms, _uses=uses)
    for purchase in _purchases(since):
        simulation.repeat(purchase)
    return simulation


def _purchases(since: datetime) -> Iterator[_Purchase]:
    not_qualifying = [str(decision) for decision in eligibility.NOT_QUALIFYING]
    # Not a cursor of the server's: for one of those PostgreSQL plans to be quick with the first
    # tenth of the rows, one by one, and all of them take minutes.
    with report_database.connection().cursor() as cursor:
        cursor.execute(_PURCHASES, {"since": since, "not_qualifying": not_qualifying})
        while rows := cursor.fetchmany(_AT_A_TIME):
            yield from map(_read, rows)


def _read(row: Iterable[Any]) -> _Purchase:
    *purchase, may_have_before = islice(read := iter(row), 7)
    buyer, referrer = read_row(read, User, _PERSON), read_row(read, User, _PERSON)
    buyer.has_made_first_purchase &= may_have_before
    return _Purchase._make([*purchase, buyer, referrer])
