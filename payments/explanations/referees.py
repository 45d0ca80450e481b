"""The people who registered with somebody's code, and what became of each."""

from dataclasses import dataclass
from enum import StrEnum

from django.db.models import OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce

from accounts.models import User
from accounts.preferences import shown_to_referrer
from payments.explanations import messages
from payments.explanations.messages import Audience
from payments.models import Payment
from referrals.models import Referral

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

    `username` is the name as the audience may see it.
    """

    user_id: int
    username: str
    state: State
    sentence: str


def referees_of(user: User, audience: Audience) -> list[Referee]:
    """Return the newest hundred who registered with `user`'s code, newest first, in one query.

    Somebody who was deactivated before buying is not among them, as in the stats.
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
    return [_referee(one, one.decision, audience) for one in invited[:LISTED_REFEREES]]


def _referee(user: User, decision: str, audience: Audience) -> Referee:
    referral: Referral | None = getattr(user, "referral_received", None)
    if referral:
        state, note = State(referral.status), referral.review_note or referral.hold_reason
    else:
        state, note = State.NOT_COUNTED if user.has_made_first_purchase else State.PENDING, ""
    name = user.username
    if audience == Audience.PERSON:
        name = shown_to_referrer(name, user.show_to_referrer)
    sentence = messages.of_referee(name, state, decision, note, audience)
    return Referee(user.pk, name, state, sentence)
