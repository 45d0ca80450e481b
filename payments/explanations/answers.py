"""Answers "why?" of a purchase and of a person: the checks in order, then what happened since."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from accounts.models import User
from accounts.money import dollars, from_cents
from payments.explanations import messages
from payments.explanations.messages import NOW, OPERATOR, PERSON, THEN, Audience, CheckLine
from payments.explanations.referees import Referee, referees_of
from payments.explanations.timeline import Event, Timeline, related_entries, timeline_of
from payments.models import Payment, PaymentQuerySet
from referrals import eligibility
from referrals.attribution import referrer_of
from referrals.bonuses import Conditions, conditions
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

    The purchase that decided comes first. What has a default is for operators alone.
    """

    summary: str
    purchases: list[PurchaseAnswer]
    what_if: Answer
    referees: list[Referee]
    referrer: User | None = None
    attribution: str = ""
    code_uses: str = ""

    @property
    def checks(self) -> list[CheckLine]:
        """The checks of the purchase that decided, or else of the newest one."""
        return self.purchases[0].checks if self.purchases else []


def explain_purchases(payments: PaymentQuerySet) -> list[PurchaseAnswer]:
    """Explain purchases to operators, in as many queries however many there are."""
    sides = ("user", "referral__referrer", "referral__referred_user")
    loaded = payments.select_related(*sides, "referral__program", "referral__reviewed_by")
    rows = list(loaded.prefetch_related("clawbacks"))
    entries = related_entries(rows)
    return [_purchase(payment, OPERATOR, timeline_of(payment, entries)) for payment in rows]


def explain_person(user: User, *, cents: int | None, now: datetime) -> PersonAnswer:
    """Explain a person to operators; `cents` are of a purchase now, by default the minimum."""
    referrer = referrer_of(user)
    found = conditions(referrer, now=now)
    purchases = explain_purchases(_purchases_of(user)[: LISTED_PURCHASES + 1])
    uses, max_uses = conditions(user, now=now).uses, found.terms.max_uses
    left = max(max_uses - uses, 0)
    return PersonAnswer(
        summary=_summary(user, purchases, found),
        purchases=purchases,
        what_if=_what_if(user, referrer, cents or _minimum(found), found, OPERATOR),
        referees=referees_of(user, OPERATOR),
        referrer=referrer,
        attribution=messages.of_attribution(user, referrer),
        code_uses=f"{uses} of {max_uses} uses of the code are taken, {left} left.",
    )


def explain_to(user: User, *, cents: int | None, now: datetime) -> PersonAnswer:
    """Explain to a person what they have; `cents` are of a purchase now, as for operators."""
    referrer = referrer_of(user)
    found = conditions(referrer, now=now)
    paid = _purchases_of(user).filter(status=Payment.Status.PAID)
    newest = paid.select_related("referral__referrer")[:1]
    purchases = [_purchase(payment, PERSON, Timeline([])) for payment in newest]
    return PersonAnswer(
        summary=_own_summary(user, referrer, purchases, found),
        purchases=purchases,
        what_if=_what_if(user, referrer, cents or _minimum(found), found, PERSON),
        referees=referees_of(user, PERSON),
    )


def _purchases_of(user: User) -> PaymentQuerySet:
    """Return the purchase that decided, however old it is, and then the newest others."""
    return Payment.objects.filter(user=user).decisive_first()


def _purchase(payment: Payment, audience: Audience, timeline: Timeline) -> PurchaseAnswer:
    checks = messages.of_checks(eligibility.from_json(payment.checks), audience, THEN)
    summary = (
        messages.of_purchase(payment, checks, timeline)
        if audience is OPERATOR
        else messages.of_own_purchase(payment, checks)
    )
    about = (payment.amount, payment.bonus_decision, summary, checks)
    return PurchaseAnswer(*about, payment, timeline.events)


def _minimum(found: Conditions) -> int:
    return int(found.terms.minimum_purchase * 100)


def _what_if(
    buyer: User, referrer: User | None, cents: int, found: Conditions, audience: Audience
) -> Answer:
    """Answer about a purchase that nobody makes, with what is true now."""
    amount = from_cents(cents)
    inputs = found.inputs(buyer=buyer, referrer=referrer, amount=amount)
    decision = eligibility.decide(inputs)
    if decision == Decision.HELD and audience is PERSON:
        decision = Decision.AWARDED  # as it is without the checks that a person must not learn
    checks = messages.of_checks(eligibility.evaluate(inputs), audience, NOW)
    summary = messages.of_what_if(amount, decision, checks, found.terms, audience)
    return Answer(cents, decision, summary, checks)


def _summary(user: User, purchases: Sequence[PurchaseAnswer], found: Conditions) -> str:
    if purchases and purchases[0].payment.is_decisive:
        return purchases[0].summary
    if user.has_made_first_purchase:
        return "A purchase has qualified, but which one was not stored."
    minimum = dollars(found.terms.minimum_purchase)
    return f"{user.username} has not made a qualifying purchase yet: {minimum} or more."


def _own_summary(
    user: User, referrer: User | None, purchases: Sequence[PurchaseAnswer], found: Conditions
) -> str:
    if purchases and purchases[0].payment.is_decisive:
        return purchases[0].summary
    if user.has_made_first_purchase:
        return "A purchase of yours has counted; why it brought what it did was not stored."
    would_be = _what_if(user, referrer, _minimum(found), found, PERSON)
    if would_be.decision != Decision.AWARDED or referrer is None:
        return would_be.summary
    return (
        f"{referrer.username} invited you: your first purchase of"
        f" {dollars(found.terms.minimum_purchase)} or more brings you a bonus of"
        f" {dollars(found.terms.referee_bonus)}."
    )
