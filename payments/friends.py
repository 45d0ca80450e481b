"""Knows the people who registered with somebody's code, and what became of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce

from accounts.models import User
from payments.models import Payment
from referrals.gates import Decision
from referrals.models import Referral

LISTED_FRIENDS = 100


class State(StrEnum):
    """What became of a friend; a referral's status, or why there is none."""

    PENDING = "pending"  # has not made a qualifying purchase yet
    COMPLETED = "completed"  # both sides have their bonus
    HELD = "held"  # the money waits for an operator
    REVERSED = "reversed"  # the purchase no longer qualifies
    VOIDED = "voided"  # an operator said no
    NOT_COUNTED = "not_counted"  # has made it, and it earned nothing


@dataclass(frozen=True)
class Friend:
    """Somebody who registered with a code, and what operators and the referrer may read of it."""

    user_id: int
    username: str
    state: State
    decision: str
    sentence: str
    sentence_for_referrer: str


def friends_of(user: User) -> list[Friend]:
    """Return the newest hundred who registered with `user`'s code, the newest first, in one query.

    Who was deactivated before buying is none of them, as in the stats.
    """
    if user.referral_code is None:
        return []
    own = Payment.objects.filter(user=OuterRef("pk"))
    decision = own.first_qualifying().order_by("pk").values("bonus_decision")[:1]
    invited = (
        User.objects.filter(referred_by_code=user.referral_code)
        .filter(Q(is_active=True) | Q(has_made_first_purchase=True))
        .select_related("referral_received__reviewed_by")
        .annotate(decision=Coalesce(Subquery(decision), Value("")))
        .order_by("-pk")
    )
    return [_friend(friend, friend.decision) for friend in invited[:LISTED_FRIENDS]]


def _friend(friend: User, decision: str) -> Friend:
    referral: Referral | None = getattr(friend, "referral_received", None)
    state = _state(friend, referral)
    reason = _REASONS.get(decision, _UNKNOWN)
    name = friend.username
    return Friend(
        user_id=friend.pk,
        username=name,
        state=state,
        decision=decision,
        sentence=_TO_OPERATORS[state].format(name=name, reason=reason.full, more=_more(referral)),
        sentence_for_referrer=_TO_THE_REFERRER[state].format(name=name, reason=reason.for_referrer),
    )


def _state(friend: User, referral: Referral | None) -> State:
    if referral:
        return State(referral.status)
    return State.NOT_COUNTED if friend.has_made_first_purchase else State.PENDING


def _more(referral: Referral | None) -> str:
    """Return what an operator or a check had to say."""
    if referral is None:
        return ""
    return referral.review_note or referral.hold_reason


@dataclass(frozen=True)
class _Reason:
    """Why a purchase that qualified earned nothing."""

    full: str
    for_referrer: str


_UNKNOWN = _Reason("why was not kept", "it did not count")
_REASONS: Mapping[str, _Reason] = {
    Decision.REFERRER_GONE: _Reason(
        "the referrer's account was not active", "your account was not active then"
    ),
    Decision.SELF_REFERRAL: _Reason("the code was the buyer's own", "it did not count"),
    Decision.CAP_REACHED: _Reason(
        "all uses of the code were taken", "all uses of your code were taken"
    ),
    Decision.BUDGET_SPENT: _Reason(
        "the program's budget was spent", "the program had no more bonuses to give"
    ),
}
_TO_OPERATORS: Mapping[State, str] = {
    State.PENDING: "{name} has not made a qualifying purchase yet.",
    State.COMPLETED: "{name} bought, and both have their bonus.",
    State.HELD: "{name} bought, and the bonus is held: {more}.",
    State.REVERSED: "{name} bought, but the purchase no longer qualifies.",
    State.VOIDED: "{name} bought, and the bonus was not granted: {more}",
    State.NOT_COUNTED: "{name} bought, and no bonus was due: {reason}.",
}
# A friend's purchases are the friend's own affair: of them only that one counted, or did not.
_TO_THE_REFERRER: Mapping[State, str] = {
    State.PENDING: "Your friend {name} has not made a purchase that counts yet.",
    State.COMPLETED: "Your friend {name} has bought, and you both have your bonus.",
    State.HELD: "Your friend {name} has bought, and the bonus is under review.",
    State.REVERSED: "Your friend {name} has bought, but that purchase no longer counts.",
    State.VOIDED: "Your friend {name} has bought, but the bonus was not granted.",
    State.NOT_COUNTED: "Your friend {name} has bought, but without a bonus: {reason}.",
}
