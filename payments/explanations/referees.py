"""The people who registered with somebody's code, and what became of each."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from django.db.models import Exists, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce

from accounts.models import User
from accounts.preferences import A_FRIEND, shown_to_referrer
from payments.explanations import messages
from payments.explanations.messages import Audience
from payments.models import Payment
from referrals.models import Program, Referral

LISTED_REFEREES = 100


class State(StrEnum):
    """What became of a referee; a referral's status, or why there is none."""

    PENDING = "pending"  # has not made a qualifying purchase yet
    COMPLETED = "completed"  # both sides have their bonus
    HELD = "held"  # the money waits for an operator
    REVERSED = "reversed"  # the purchase no longer qualifies
    VOIDED = "voided"  # an operator said no
    NOT_COUNTED = "not_counted"  # has made it, and it earned nothing


@dataclass(frozen=True)
class Referee:
    """Somebody who registered with a code, and what became of it in words.

    `username` is the name as the audience may see it. `bonus` is what the code's owner got and
    still has, in US dollars.
    """

    user_id: int
    username: str
    state: State
    said_as: str
    outcome: str
    bonus: Decimal

    @property
    def sentence(self) -> str:
        return f"{self.said_as} {self.outcome}"


def referees_of(
    user: User, audience: Audience, *, now: datetime, before: int | None = None
) -> list[Referee]:
    """Return the newest hundred who registered with `user`'s code, newest first, in one query.

    `before` is the id of the last one of a page, for the hundred after it. Somebody who was
    deactivated before buying is not among them, as in the stats.
    """
    if user.referral_code is None:
        return []
    own = Payment.objects.filter(user=OuterRef("pk"))
    decision = own.first_qualifying().order_by("pk").values("bonus_decision")[:1]
    at_sign_up = Program.objects.at(OuterRef("created_at"))
    invited = (
        User.objects.filter(referred_by_code=user.referral_code)
        .filter(Q(is_active=True) | Q(has_made_first_purchase=True))
        .select_related("referral_received__reviewed_by")
        .annotate(
            decision=Coalesce(Subquery(decision), Value("")),
            has_bought=Exists(own.filter(status=Payment.Status.PAID)),
            minimum=Subquery(Program.objects.at(now).values("minimum_purchase")),
            promised_minimum=Subquery(at_sign_up.values("minimum_purchase")),
            offer_days=Subquery(at_sign_up.values("offer_days")),
        )
        .order_by("-pk")
    )
    if before is not None:
        invited = invited.filter(pk__lt=before)
    return [_referee(one, audience, now=now) for one in invited[:LISTED_REFEREES]]


def _referee(user: Any, audience: Audience, *, now: datetime) -> Referee:
    referral: Referral | None = getattr(user, "referral_received", None)
    bonus = Decimal(0)
    if referral:
        state, note = State(referral.status), referral.review_note or referral.hold_reason
        bonus = referral.bonus_amount if state == State.COMPLETED else bonus
    else:
        state, note = State.NOT_COUNTED if user.has_made_first_purchase else State.PENDING, ""
    if state == State.PENDING and user.has_bought and audience != Audience.OPERATOR:
        outcome = messages.of_too_small(_minimum(user, now=now))
    else:
        outcome = messages.of_referee(state, user.decision, note, audience)
    name = user.username
    if audience == Audience.PERSON:
        name = shown_to_referrer(name, user.show_to_referrer)
    elif audience == Audience.REPLY:
        name = A_FRIEND
    said_as = messages.said_as(name, audience)
    return Referee(user.pk, name, state, said_as, outcome, bonus)


def _minimum(user: Any, *, now: datetime) -> Decimal:
    """Return the smallest purchase that qualifies, by the terms in force or those promised."""
    is_promised = now < user.created_at + timedelta(days=user.offer_days or 0)
    least: Decimal = min(user.minimum, user.promised_minimum) if is_promised else user.minimum
    return least
