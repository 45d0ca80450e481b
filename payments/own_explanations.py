"""Answers "why?" to the person herself: of others no more than a user name and a word."""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import User
from accounts.money import dollars, from_cents
from payments.friends import Friend, friends_of
from payments.models import Payment
from referrals import gates, sentences
from referrals.attribution import referrer_of
from referrals.bonuses import Conditions, conditions
from referrals.gates import Decision, Name
from referrals.models import Referral
from referrals.sentences import Line


@dataclass(frozen=True)
class OwnWhatIf:
    """What a purchase of `amount` cents would bring now."""

    amount: int
    decision: Decision
    summary: str
    lines: list[Line]


@dataclass(frozen=True)
class OwnAnswer:
    """Why a person has a bonus or none, and what her friends have done for hers."""

    summary: str
    lines: list[Line]
    friends: list[Friend]
    what_if: OwnWhatIf | None


def explain_to(user: User, *, cents: int | None, now: datetime) -> OwnAnswer:
    """Answer a person, with what a purchase of `cents` would bring if she names one.

    The checks for fraud are no part of it, so that nobody learns here how to pass them.
    """
    payment = _telling_purchase(user)
    referrer = referrer_of(user)
    found = conditions(referrer, now=now)
    kept = gates.read(payment.gates) if payment else []
    lines = sentences.to_the_person(kept, sentences.THEN)
    return OwnAnswer(
        summary=_summary(user, referrer, payment, lines, found),
        lines=lines,
        friends=friends_of(user),
        what_if=None if cents is None else _ask(user, referrer, cents, found),
    )


def _telling_purchase(user: User) -> Payment | None:
    """Return the purchase that decided, or else the newest that was paid."""
    paid = Payment.objects.filter(user=user, status=Payment.Status.PAID)
    told = paid.select_related("referral__referrer")
    return told.first_qualifying().first() or told.order_by("-pk").first()


def _summary(
    user: User,
    referrer: User | None,
    payment: Payment | None,
    lines: list[Line],
    found: Conditions,
) -> str:
    if payment is None or not payment.is_first_qualifying:
        return _before_it_counts(user, referrer, found)
    if payment.referral:
        return _of_referral(payment.referral)
    line = sentences.decisive(lines, Decision(payment.bonus_decision))
    return f"You got no bonus: {line.clause}." if line else "You got no bonus."


def _of_referral(referral: Referral) -> str:
    return {
        Referral.Status.COMPLETED: f"You got {dollars(referral.referee_bonus_amount)} for "
        f"registering with the invitation of {referral.referrer.username}.",
        Referral.Status.HELD: "Your bonus is under review.",
        Referral.Status.REVERSED: "Your bonus does not stand: its purchase no longer counts.",
        Referral.Status.VOIDED: "Your bonus was not granted.",
    }[Referral.Status(referral.status)]


def _before_it_counts(user: User, referrer: User | None, found: Conditions) -> str:
    """Say what the first purchase that counts would bring, if it were made now."""
    if user.has_made_first_purchase:
        return "A purchase of yours has counted; why it brought what it did was not kept."
    minimum = found.terms.minimum_purchase
    would_be = _ask(user, referrer, int(minimum * 100), found)
    if would_be.decision == Decision.AWARDED and referrer:
        return (
            f"{referrer.username} invited you: your first purchase of {dollars(minimum)} or more "
            f"brings you a bonus of {dollars(found.terms.referee_bonus)}."
        )
    return would_be.summary


def _ask(user: User, referrer: User | None, cents: int, found: Conditions) -> OwnWhatIf:
    amount = from_cents(cents)
    asked = gates.ask(
        buyer=user, referrer=referrer, amount=amount, terms=found.terms, uses=found.uses
    )
    shown = [gate for gate in asked if gate.name != Name.MAILBOX]
    decision = gates.decide(shown)
    lines = sentences.to_the_person(shown, sentences.NOW)
    line = sentences.decisive(lines, decision)
    bonus = dollars(found.terms.referee_bonus)
    outcome = f"no bonus: {line.clause}" if line else f"a bonus of {bonus} for you"
    summary = f"A purchase of {dollars(amount)} now would bring {outcome}."
    return OwnWhatIf(cents, decision, summary, lines)
