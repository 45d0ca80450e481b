"""Answers "why?" of a purchase and of a person: the checks in order, then what happened since."""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import User
from accounts.money import dollars, from_cents
from payments.explanations import messages
from payments.explanations.messages import NOW, THEN, Audience, CheckLine
from payments.explanations.referees import Referee, referees_of
from payments.explanations.timeline import Entries, Event, related_entries, timeline_of
from payments.models import Payment, PaymentQuerySet
from referrals import eligibility, reports
from referrals.attribution import referrer_of
from referrals.conditions import Conditions, conditions
from referrals.eligibility import Decision

NOT_STORED = "The checks of this purchase were not stored when it was paid."
LISTED_PURCHASES = 20


@dataclass(frozen=True)
class Answer:
    """Why a purchase of `cents` earns a bonus or none: the ordered checks, as they are now."""

    cents: int
    decision: str
    summary: str
    checks: list[CheckLine]


@dataclass(frozen=True)
class PurchaseAnswer(Answer):
    """The same of a purchase that was made, by its checks of that time, and what happened since."""

    payment: Payment
    timeline: list[Event]

    @property
    def note(self) -> str:
        """Say what is missing, if anything is."""
        return NOT_STORED if self.payment.status == Payment.Status.PAID and not self.checks else ""


@dataclass(frozen=True)
class PersonAnswer:
    """Why a person has a bonus or none, and what became of those who registered with their code.

    The purchase that decided comes first. Of a person's own answer `code_uses` is empty.
    """

    summary: str
    purchases: list[PurchaseAnswer]
    what_if: Answer
    referees: list[Referee]
    referrer: User | None
    attribution: str
    code_uses: str

    @property
    def checks(self) -> list[CheckLine]:
        """The checks of the purchase that decided, or else of the newest one."""
        return self.purchases[0].checks if self.purchases else []


def explain_purchases(
    payments: PaymentQuerySet, audience: Audience = Audience.OPERATOR
) -> list[PurchaseAnswer]:
    """Explain purchases, in as many queries however many; only operators get the timeline."""
    if audience != Audience.OPERATOR:
        loaded = payments.select_related("referral__referrer")
        return [_explained(payment, audience, {}) for payment in loaded]
    sides = ("user", "referral__referrer", "referral__referred_user")
    loaded = payments.select_related(*sides, "referral__program", "referral__reviewed_by")
    rows = list(loaded.prefetch_related("clawbacks"))
    entries = related_entries(rows)
    return [_explained(payment, audience, entries) for payment in rows]


def _explained(payment: Payment, audience: Audience, entries: Entries) -> PurchaseAnswer:
    checks = messages.of_checks(eligibility.from_json(payment.checks), audience, THEN)
    if audience == Audience.OPERATOR:
        timeline = timeline_of(payment, entries)
        summary, events = messages.of_purchase(payment, checks, timeline), timeline.events
    else:
        summary, events = messages.of_own_purchase(payment, checks, audience), []
    return PurchaseAnswer(payment.amount, payment.bonus_decision, summary, checks, payment, events)


def explain_person(
    user: User, audience: Audience, *, cents: int | None, now: datetime
) -> PersonAnswer:
    """Explain a person; `cents` are of a purchase now, by default the minimum."""
    is_operator = audience == Audience.OPERATOR
    referrer = referrer_of(user)
    found = conditions(user, referrer, now=now)
    payments = Payment.objects.filter(user=user).by_relevance()
    if not is_operator:
        payments = payments.filter(status=Payment.Status.PAID)[:1]
    purchases = explain_purchases(payments[: LISTED_PURCHASES + 1], audience)
    stats = reports.stats(user, now=now) if is_operator else None
    return PersonAnswer(
        summary=_summary(user, referrer, purchases, found, audience),
        purchases=purchases,
        what_if=_what_if(user, referrer, cents, found, audience),
        referees=referees_of(user, audience, now=now),
        referrer=referrer,
        attribution=messages.of_attribution(user, referrer),
        code_uses=messages.of_code(stats.total_uses, stats.max_uses) if stats else "",
    )


def _what_if(
    buyer: User, referrer: User | None, cents: int | None, found: Conditions, audience: Audience
) -> Answer:
    """Answer about a purchase that nobody makes, with what is true now."""
    cents = cents or int(found.minimum_purchase * 100)
    inputs, terms = found.judge(buyer=buyer, referrer=referrer, amount=from_cents(cents))
    decision = eligibility.decide(inputs)
    if decision == Decision.HELD and audience != Audience.OPERATOR:
        decision = Decision.AWARDED  # as it is without the checks that a person must not learn
    checks = messages.of_checks(eligibility.evaluate(inputs), audience, NOW)
    summary = messages.of_what_if(inputs.amount, decision, checks, terms, audience)
    return Answer(cents, decision, summary, checks)


def _summary(
    user: User,
    referrer: User | None,
    purchases: list[PurchaseAnswer],
    found: Conditions,
    audience: Audience,
) -> str:
    if purchases and purchases[0].payment.is_first_qualifying:
        return purchases[0].summary
    if user.has_made_first_purchase:
        return "A purchase has qualified, but which one was not stored."
    minimum = dollars(found.minimum_purchase)
    if audience == Audience.OPERATOR:
        return f"{user.username} has not made a qualifying purchase yet: {minimum} or more."
    would_be = _what_if(user, referrer, None, found, audience)
    if would_be.decision != Decision.AWARDED or referrer is None:
        return would_be.summary
    _, terms = found.judge(buyer=user, referrer=referrer, amount=found.minimum_purchase)
    friend = messages.name_of_friend(referrer, audience)
    return (
        f"{friend} invited you: your first purchase of {minimum} or more brings you a "
        f"bonus of {dollars(terms.referee_bonus)}."
    )
