"""The page of a referral: both people side by side, what matches, why, and the decisions."""

from typing import Any

from django.http import HttpRequest
from django.utils.html import format_html

from accounts import audit, mailboxes
from accounts.date_format import day
from accounts.models import User
from accounts.money import dollars
from accounts.reason_field import ReasonForm
from gatewayz.adminbase.formatting import link, moment
from gatewayz.adminbase.status_badges import status_badge
from payments.explanations.admin_rendering import about_purchases
from payments.explanations.referral_comparison import (
    ReferralComparison,
    Side,
    compare_people,
    unpaid_since,
)
from payments.models import Payment
from referrals.admin.formatting import address
from referrals.models import Program, Referral

_PARTS = ("referrer", "referred_user", "program", "reviewed_by", "payment")


def context(request: HttpRequest, found: Referral, *, may_review: bool) -> dict[str, Any]:
    """Return what the page shows of the referral; with a form if a decision is due."""
    referral = Referral.objects.select_related(*_PARTS).get(pk=found.pk)
    both = compare_people(referral)
    is_held = referral.status == Referral.Status.HELD
    return {
        "title": f"{referral.referrer.username} invited {referral.referred_user.username}",
        "referral": referral,
        "status": status_badge(referral),
        "facts": _facts(referral),
        "matches": _matches(both),
        "people": _people(both),
        "since": moment(unpaid_since([referral])[referral.pk]) if is_held else "",
        "is_held": is_held,
        "form": ReasonForm() if is_held and may_review else None,
        "came_from": "queue" if request.GET.get("from") == "queue" else "page",
        "log": audit.of(referral).select_related("by"),
        "why": about_purchases(Payment.objects.filter(referral=referral)),
    }


def _facts(referral: Referral) -> list[tuple[str, str]]:
    return [
        ("Bonus", _bonus(referral)),
        ("Code", f"{referral.referral_code}, use {referral.use_number} of {referral.max_uses}"),
        ("Purchase", f"{moment(referral.completed_at)} UTC"),
        ("Terms of that day", _terms(referral.program)),
    ]


def _bonus(referral: Referral) -> str:
    """Return which bonus counts now."""
    amounts = referral.bonus_amount, referral.referee_bonus_amount
    both = "{} to the referrer + {} to the friend".format(*map(dollars, amounts))
    match referral.status:
        case Referral.Status.HELD:
            return f"nothing yet: {both} wait"
        case Referral.Status.REVERSED:
            return f"nothing: {both} were taken back"
        case Referral.Status.VOIDED:
            return f"nothing: voided, instead of {both}"
    return both


def _terms(terms: Program) -> str:
    return (
        f"from {day(terms.starts_at)}: {dollars(terms.award)} in all,"
        f" from {dollars(terms.minimum_purchase)} on, {terms.max_uses} uses"
    )


def _matches(both: ReferralComparison) -> list[str]:
    """Return what both people have in common."""
    found = []
    if both.mailbox:
        found.append(f"Both e-mail addresses end up in one mailbox: {both.mailbox}")
    if both.card_payments:
        numbers = ", ".join(f"#{number}" for number in both.card_payments)
        found.append(f"One card paid for purchases of both: {numbers}")
    for sentence, friends in (
        ("An earlier friend has this mailbox: {}", both.friends_of_mailbox),
        ("An earlier friend paid with the friend's card: {}", both.friends_of_card),
    ):
        found += [format_html(sentence, link(friend)) for friend in friends]
    if both.is_same_address:
        found.append("Both signed up from one network address; by itself that means little.")
    return found


def _people(both: ReferralComparison) -> dict[str, Any]:
    sides = (both.referrer, both.referee)
    rows = [
        ["Account", *(link(side.user, side.user.username) for side in sides)],
        ["State", *(_state(side.user) for side in sides)],
        ["E-mail", *(address(side.user.email) for side in sides)],
        ["Mailbox", *(address(mailboxes.fold(side.user.email)) for side in sides)],
        ["Signed up", *(moment(side.user.created_at) for side in sides)],
        ["Signs in by", *(side.user.get_auth_method_display() for side in sides)],
        ["Purchases", *(_purchases(side) for side in sides)],
        ["Balance", *(dollars(side.user.credits) for side in sides)],
        ["Referrals made", *(_referrals(side) for side in sides)],
    ]
    return {"headers": ["", "Referrer", "Friend"], "rows": rows}


def _state(user: User) -> str:
    return "active" if user.is_active else "deactivated"


def _purchases(side: Side) -> str:
    return f"{side.purchases}, {dollars(side.paid)} in all" if side.purchases else "none"


def _referrals(side: Side) -> str:
    return (
        f"{side.referrals}, {side.others_held} other held"
        if side.others_held
        else str(side.referrals)
    )
