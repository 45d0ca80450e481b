"""The people who registered with somebody's code, and what became of each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from django.db.models import (
    BigIntegerField,
    CharField,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Coalesce

from accounts.models import User
from accounts.preferences import A_FRIEND, shown_to_referrer
from accounts.prepared import Parameter, Query
from payments.explanations import messages
from payments.explanations.messages import Audience
from payments.models import Payment
from referrals import codes
from referrals.models import Program

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


class _Row(NamedTuple):
    """What is read of a referee; the `referral…` are empty before a purchase that qualifies."""

    id: int
    username: str
    show_to_referrer: str
    has_made_first_purchase: bool
    invited_at: datetime
    referral_status: str | None
    review_note: str | None
    hold_reason: str | None
    bonus_amount: Decimal | None
    decision: str
    has_bought: bool
    minimum: Decimal
    promised_minimum: Decimal | None
    offer_days: int | None


def _invited() -> QuerySet:
    own = Payment.objects.filter(user=OuterRef("pk"))
    decision = own.first_qualifying().order_by("pk").values("bonus_decision")[:1]
    promised = Program.objects.at(Coalesce(OuterRef("claimed_at"), OuterRef("created_at")))
    listed = Q(is_active=True) | Q(has_made_first_purchase=True)
    referral = "referral_received__"
    return (
        User.objects.filter(listed, referred_by_code=Parameter("code", CharField()))
        .filter(pk__lt=Parameter("before", BigIntegerField()))
        .annotate(
            invited_at=Coalesce("claimed_at", "created_at"),
            referral_status=F(f"{referral}status"),
            review_note=F(f"{referral}review_note"),
            hold_reason=F(f"{referral}hold_reason"),
            bonus_amount=F(f"{referral}bonus_amount"),
            decision=Coalesce(Subquery(decision), Value("")),
            has_bought=Exists(own.filter(status=Payment.Status.PAID)),
            minimum=codes.in_force("minimum_purchase"),
            promised_minimum=Subquery(promised.values("minimum_purchase")),
            offer_days=Subquery(promised.values("offer_days")),
        )
        .order_by("-pk")
        .values_list(*_Row._fields)[:LISTED_REFEREES]
    )


_INVITED = Query(_invited)
_NEWEST = 2**63 - 1


def referees_of(
    user: User, audience: Audience, *, now: datetime, before: int | None = None
) -> list[Referee]:
    """Return the newest hundred who registered with `user`'s code, newest first, in one query.

    `before` is the id of the last one of a page, for the hundred after it. Somebody who was
    deactivated before buying is not among them, as in the stats.
    """
    if user.referral_code is None:
        return []
    last = _NEWEST if before is None else before
    rows = _INVITED.fetch(code=user.referral_code, before=last, now=now)
    return [_referee(_Row(*row), audience, now=now) for row in rows]


def _referee(row: _Row, audience: Audience, *, now: datetime) -> Referee:
    bonus, note = Decimal(0), row.review_note or row.hold_reason or ""
    if row.referral_status:
        state = State(row.referral_status)
        bonus = row.bonus_amount or bonus if state == State.COMPLETED else bonus
    else:
        state = State.NOT_COUNTED if row.has_made_first_purchase else State.PENDING
    if state == State.PENDING and row.has_bought and audience != Audience.OPERATOR:
        outcome = messages.of_too_small(_minimum(row, now=now))
    else:
        outcome = messages.of_referee(state, row.decision, note, audience)
    name = _NAMES[audience](row)
    return Referee(row.id, name, state, messages.said_as(name, audience), outcome, bonus)


_NAMES: Mapping[Audience, Callable[[_Row], str]] = {
    Audience.OPERATOR: lambda row: row.username,
    Audience.PERSON: lambda row: shown_to_referrer(row.username, row.show_to_referrer),
    Audience.REPLY: lambda row: A_FRIEND,
}


def _minimum(row: _Row, *, now: datetime) -> Decimal:
    """Return the smallest purchase that qualifies, by the terms in force or those promised."""
    promised, offer_ends = row.promised_minimum, timedelta(days=row.offer_days or 0)
    if promised is None or now >= row.invited_at + offer_ends:
        return row.minimum
    return min(row.minimum, promised)
