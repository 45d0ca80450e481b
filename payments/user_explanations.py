"""Answers "why?" of a person: who invited her, what each purchase earned, what her friends did."""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import User
from accounts.money import dollars
from payments.explanations import (
    PaymentAnswer,
    WhatIf,
    explain_payments,
    what_if,
    with_facts,
)
from payments.friends import Friend, friends_of
from payments.models import Payment
from referrals.attribution import referrer_of
from referrals.bonuses import Conditions, conditions

LISTED_PURCHASES = 20


@dataclass(frozen=True)
class Invitations:
    """What became of a person's own code."""

    uses: int
    max_uses: int
    friends: list[Friend]

    @property
    def summary(self) -> str:
        left = max(self.max_uses - self.uses, 0)
        return f"{self.uses} of {self.max_uses} uses of the code are taken, {left} left."


@dataclass(frozen=True)
class UserAnswer:
    """Why a person has the bonuses that she has; `purchases` with the decisive one first."""

    user: User
    referrer: User | None
    summary: str
    attribution: str
    purchases: list[PaymentAnswer]
    what_if: WhatIf
    invitations: Invitations


def explain_user(user: User, *, cents: int | None, now: datetime) -> UserAnswer:
    """Explain a person, and what a purchase of `cents` would earn now: by default, the minimum."""
    referrer = referrer_of(user)
    found = conditions(referrer, now=now)
    if cents is None:
        cents = int(found.terms.minimum_purchase * 100)
    purchases = _purchases(user)
    return UserAnswer(
        user=user,
        referrer=referrer,
        summary=_summary(user, purchases, found),
        attribution=_attribution(user, referrer),
        purchases=purchases,
        what_if=what_if(buyer=user, referrer=referrer, cents=cents, conditions=found),
        invitations=Invitations(
            uses=conditions(user, now=now).uses,
            max_uses=found.terms.max_uses,
            friends=friends_of(user),
        ),
    )


def _purchases(user: User) -> list[PaymentAnswer]:
    """Return the purchase that decided, wherever it stands, and the newest others."""
    newest = with_facts(Payment.objects.filter(user=user)).order_by("-pk")
    decisive = list(newest.first_qualifying())
    others = newest.exclude(pk__in=[payment.pk for payment in decisive])
    return explain_payments([*decisive, *others[:LISTED_PURCHASES]])


def _summary(user: User, purchases: list[PaymentAnswer], found: Conditions) -> str:
    if purchases and purchases[0].payment.is_first_qualifying:
        return purchases[0].summary
    if user.has_made_first_purchase:
        return "A purchase has qualified, but which one was not kept."
    minimum = dollars(found.terms.minimum_purchase)
    return f"{user.username} has not made a qualifying purchase yet: {minimum} or more."


def _attribution(user: User, referrer: User | None) -> str:
    if user.referred_by_code is None:
        return (
            "Registered without a code that counts: none was given, or it was refused; "
            "which of both was not kept."
        )
    whose = f" of {referrer.username}" if referrer else ", whose owner's account is deleted"
    return f"Registered with the code {user.referred_by_code}{whose}."
