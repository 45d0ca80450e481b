"""What those who signed up with a code lack for the bonus, in the list of people."""

from typing import Any

from django.db.models import CharField, Exists, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils.text import capfirst

from accounts.models import User
from accounts.money import dollars, dollars_of_cents
from payments.explanations import messages
from payments.explanations.messages import Audience
from payments.models import Payment
from referrals.models import Program, Referral


def with_what_they_lack(people: QuerySet[User], terms: QuerySet[Program]) -> QuerySet[User]:
    """Add what `lacks` needs; PostgreSQL computes it only for the rows of the page."""
    own = Payment.objects.filter(user=OuterRef("pk"))
    decision = own.first_qualifying().order_by("pk").values("bonus_decision")[:1]
    largest = own.filter(status=Payment.Status.PAID).order_by("-amount").values("amount")[:1]
    inviter = User.objects.filter(referral_code=OuterRef("referred_by_code"), is_active=True)
    last_use = Referral.objects.filter(
        referrer__referral_code=OuterRef("referred_by_code"),
        use_number__gte=Subquery(terms.values("max_uses")),
    )
    return people.select_related("referral_received__reviewed_by").annotate(
        decision=Coalesce(Subquery(decision), Value(""), output_field=CharField()),
        largest=Subquery(largest),
        minimum=Subquery(terms.values("minimum_purchase")),
        is_used_up=Exists(last_use),
        is_inviter_active=Exists(inviter),
    )


def lacks(user: Any) -> str:
    """Say what became of the invitation, or what is missing until it brings a bonus."""
    referral = getattr(user, "referral_received", None)
    if referral:
        note = referral.review_note or referral.hold_reason
        return _say(referral.status, note=note)
    if user.has_made_first_purchase:
        return _say("not_counted", decision=user.decision)
    for is_in_the_way, words in (
        (not user.is_active, "The account is deactivated"),
        (not user.is_inviter_active, "The inviter's account is deactivated"),
        (user.is_used_up, "Code used up: a purchase earns no bonus"),
    ):
        if is_in_the_way:
            return words
    if user.largest is None:
        return f"Has not bought: {dollars(user.minimum)} or more is needed"
    return f"Paid {dollars_of_cents(user.largest)} at most: {dollars(user.minimum)} is needed"


def _say(state: str, *, decision: str = "", note: str = "") -> str:
    return capfirst(messages.of_referee(state, decision, note, Audience.OPERATOR))
