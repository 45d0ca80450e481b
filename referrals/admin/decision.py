"""Releases or voids held bonuses, one or many, after asking for a reason."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from accounts.authentication import operator
from accounts.models import User
from accounts.money import dollars
from accounts.reason_field import ReasonForm
from gatewayz.adminbase.confirmation import Question, confirm
from gatewayz.adminbase.formatting import page_of
from gatewayz.adminbase.model_admin import ModelAdmin
from gatewayz.cli.output import counted
from referrals import review
from referrals.admin.formatting import person
from referrals.errors import ReferralError
from referrals.models import Referral

_DECIDED = "it was decided already"
_GONE = "the referrer is deactivated, so that it can only be voided"
_REFUSALS: dict[type[ReferralError], str] = {
    review.NotHeldError: _DECIDED,
    review.OwnBonusError: "it is your own bonus, and takes somebody else",
    review.ReferrerGoneError: _GONE,
    review.BudgetSpentError: "the budget of its terms is spent",
}


@dataclass(frozen=True)
class _Decision:
    """One of the two ways to decide."""

    act: Callable[..., Referral]
    verb: str
    done: str
    amount: str  # what the column of amounts is called
    variant: str


_DECISIONS = {
    "release": _Decision(review.release, "Release", "Released", "Pays", "primary"),
    "void": _Decision(review.void, "Void", "Voided", "Gives up", "danger"),
}


def decide(
    page: ModelAdmin, request: HttpRequest, verb: str, referrals: list[Referral]
) -> HttpResponse:
    """Show what it means and ask for the reason; then decide on each, and report the outcomes.

    Each is a transaction of its own: what was decided in the meantime stays as it is.
    """
    decision, back = _DECISIONS[verb], _back(request, referrals)

    def act(reason: str) -> HttpResponse:
        by = operator(request)
        outcomes = [_decide(one, decision, by=by, note=reason) for one in referrals]
        _report(request, decision, outcomes)
        return HttpResponseRedirect(back)

    question = _question(decision, referrals)
    return confirm(page, request, question, ReasonForm, act, back=back, rows=referrals)


def _back(request: HttpRequest, referrals: list[Referral]) -> str:
    """Return the page that the decision was asked for on."""
    match request.POST.get("from"):
        case "queue":
            return reverse("admin:referrals_referral_review")
        case "page" if referrals:
            return page_of(referrals[0])
    return request.get_full_path()


def _question(decision: _Decision, referrals: list[Referral]) -> Question:
    affected = [one for one in referrals if not _obstacle(decision, one)]
    total = dollars(sum((one.award for one in affected), Decimal(0)))
    return Question(
        title=f"{decision.verb} {counted(len(affected), 'bonus', 'bonuses')}",
        consequences=_consequences(decision, counted(len(affected), "referral"), total),
        table={
            "headers": ["Referrer", "Friend", "Why held", decision.amount],
            "rows": [_row(decision, one) for one in referrals],
        },
        button=f"{decision.verb}: {total}",
        variant=decision.variant,
    )


def _consequences(decision: _Decision, number: str, total: str) -> list[str]:
    if decision.verb == "Release":
        return [f"Pays {total} for {number}, to both sides at once."]
    return [
        f"Pays nobody: {total} for {number} are given up, for good.",
        "The purchases stay credited, and the uses of the codes stay used.",
    ]


def _obstacle(decision: _Decision, referral: Referral) -> str:
    """Return why the decision would be refused, as far as that is known now."""
    if referral.review != Referral.Review.HELD:
        return _DECIDED
    return _GONE if decision.verb == "Release" and not referral.referrer.is_active else ""


def _row(decision: _Decision, referral: Referral) -> list[str]:
    return [
        person(referral.referrer),
        person(referral.referred_user),
        referral.hold_reason.capitalize(),
        _obstacle(decision, referral).capitalize() or dollars(referral.award),
    ]


def _decide(referral: Referral, decision: _Decision, *, by: User, note: str) -> tuple[str, str]:
    """Decide on one; return whom it is about, and why it was refused if it was."""
    who = f"{referral.referrer.username} → {referral.referred_user.username}"
    try:
        decision.act(referral.pk, by=by, note=note, now=timezone.now())
    except ReferralError as refusal:
        return who, _REFUSALS[type(refusal)]
    return who, ""


def _report(request: HttpRequest, decision: _Decision, outcomes: list[tuple[str, str]]) -> None:
    decided = [who for who, why_not in outcomes if not why_not]
    if decided:
        messages.success(request, f"{decision.done} {len(decided)}: {', '.join(decided)}.")
    for who, why_not in outcomes:
        if why_not:
            messages.warning(request, f"Not {decision.done.lower()}: {who}: {why_not}.")
