"""Answers "why?" of a purchase: what was decided and why, as it was stored then, and what since."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from accounts.date_format import moment
from accounts.models import User
from accounts.money import dollars, dollars_of_cents, from_cents
from payments.histories import Happening, History, both_sides, histories, reviewer
from payments.models import Clawback, Payment, PaymentQuerySet
from referrals import gates, sentences
from referrals.bonuses import Conditions
from referrals.gates import Decision
from referrals.models import Referral
from referrals.sentences import Line

NOT_KEPT = "What each gate said was not kept when this purchase was paid."


@dataclass(frozen=True)
class PaymentAnswer:
    """Why a purchase earned what it did: in a sentence, gate by gate, and what happened since."""

    payment: Payment
    summary: str
    lines: list[Line]
    happenings: list[Happening]

    @property
    def note(self) -> str:
        """Return what is missing, if anything is."""
        is_paid = self.payment.status == Payment.Status.PAID
        return NOT_KEPT if is_paid and not self.lines else ""


@dataclass(frozen=True)
class WhatIf:
    """What a purchase of `amount` US dollars would earn now."""

    amount: Decimal
    decision: Decision
    summary: str
    lines: list[Line]


def with_facts(payments: PaymentQuerySet) -> PaymentQuerySet:
    """Load with payments all that explaining them needs."""
    sides = ("user", "referral__referrer", "referral__referred_user")
    terms = ("referral__program", "referral__reviewed_by")
    return payments.select_related(*sides, *terms).prefetch_related("clawbacks")


def explain_payments(payments: Sequence[Payment]) -> list[PaymentAnswer]:
    """Explain payments that were loaded `with_facts`."""
    told = histories(payments)
    return [_answer(payment, told[payment.pk]) for payment in payments]


def explain_payment(payment_id: int) -> PaymentAnswer:
    """Explain one payment. Raises Payment.DoesNotExist."""
    payment = with_facts(Payment.objects.all()).get(pk=payment_id)
    return explain_payments([payment])[0]


def explain_referral(referral_id: int) -> PaymentAnswer:
    """Explain the payment that made this referral. Raises Payment.DoesNotExist."""
    payment = with_facts(Payment.objects.all()).get(referral=referral_id)
    return explain_payments([payment])[0]


def _answer(payment: Payment, history: History) -> PaymentAnswer:
    lines = sentences.to_operators(gates.read(payment.gates), sentences.THEN)
    summary = _summary(payment, lines, history)
    return PaymentAnswer(payment, summary, lines, history.happenings)


def _summary(payment: Payment, lines: Sequence[Line], history: History) -> str:
    if payment.status != Payment.Status.PAID:
        return f"No bonus: the purchase is not paid, but {payment.status}."
    if payment.referral:
        return _of_referral(payment, payment.referral, history)
    decision = Decision(payment.bonus_decision)
    line = sentences.decisive(lines, decision)
    return f"No bonus: {line.clause if line else decision.replace('_', ' ')}."


def _of_referral(payment: Payment, referral: Referral, history: History) -> str:
    match referral.status:
        case Referral.Status.HELD:
            since = f" since {moment(history.held_at)} UTC" if history.held_at else ""
            return f"Bonus held: {referral.hold_reason}; waits for review{since}."
        case Referral.Status.VOIDED:
            when = f" on {moment(referral.reviewed_at)} UTC" if referral.reviewed_at else ""
            voided = f"voided by {reviewer(referral)}{when}: {referral.review_note}"
            return f"Bonus not granted: {voided}"
        case Referral.Status.REVERSED:
            cause = _why_not_any_more(payment, referral)
            if history.taken_back_at is None:
                return f"No bonus: it was held, and then {cause}."
            return f"Bonus taken back on {moment(history.taken_back_at)} UTC: {cause}."
    return f"Bonus paid: {both_sides(referral)}."


def _why_not_any_more(payment: Payment, referral: Referral) -> str:
    taking = [clawback for clawback in payment.clawbacks.all() if clawback.takes_back]
    disputes = [clawback for clawback in taking if clawback.kind == Clawback.Kind.DISPUTE]
    if disputes:
        is_open = any(one.status == Clawback.Status.OPEN for one in disputes)
        return f"the purchase is disputed ({'open' if is_open else 'lost'})"
    refunds = "a refund" if len(taking) == 1 else "refunds"
    left = dollars_of_cents(payment.amount - payment.taken_back)
    minimum = dollars(referral.program.minimum_purchase)
    taken = dollars_of_cents(payment.taken_back)
    return f"{refunds} of {taken} left {left}, less than the minimum of {minimum}"


def what_if(*, buyer: User, referrer: User | None, cents: int, conditions: Conditions) -> WhatIf:
    """Ask the gates about a purchase that nobody makes, with what is true now; write nothing."""
    amount = from_cents(cents)
    asked = gates.ask(
        buyer=buyer, referrer=referrer, amount=amount, terms=conditions.terms, uses=conditions.uses
    )
    decision = gates.decide(asked)
    lines = sentences.to_operators(asked, sentences.NOW)
    line = sentences.decisive(lines, decision)
    outcome = {
        Decision.AWARDED: f"a bonus for both sides, {dollars(conditions.terms.award)} in all",
        Decision.HELD: "a bonus that is held for review",
    }.get(decision, "no bonus")
    because = f": {line.clause}" if line else ""
    summary = f"A purchase of {dollars(amount)} now would earn {outcome}{because}."
    return WhatIf(amount, decision, summary, lines)
