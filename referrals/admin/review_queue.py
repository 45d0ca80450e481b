"""The page of the bonuses that wait for somebody, and what decides on one or many of them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.money import dollars
from gatewayz.cells import moment, page_of
from gatewayz.chosen import AT_ONCE, by_ids
from gatewayz.model_admin import operator
from gatewayz.reasons import ReasonForm
from payments.pairs import unpaid_since
from referrals import review
from referrals.models import Referral

_DECISIONS: dict[str, tuple[Callable[..., Referral], str]] = {
    "release": (review.release, "Released"),
    "void": (review.void, "Voided"),
}


def answer(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Show those that wait longest."""
    held = Referral.objects.filter(status=Referral.Status.HELD)
    oldest = held.select_related("referrer", "referred_user").order_by("completed_at", "pk")
    rows = list(oldest[: AT_ONCE + 1])
    since = unpaid_since(rows)
    context |= {
        "title": "Review queue",
        "rows": [_row(referral, since[referral.pk]) for referral in rows[:AT_ONCE]],
        "has_more": len(rows) > AT_ONCE,
        "at_once": AT_ONCE,
        "form": ReasonForm(),
    }
    return TemplateResponse(request, "admin/referrals/referral/queue.html", context)


def _row(referral: Referral, since: datetime) -> dict[str, Any]:
    amounts = referral.bonus_amount, referral.referee_bonus_amount
    return {
        "referral": referral,
        "page": page_of(referral),
        "amount": " + ".join(map(dollars, amounts)),
        "since": moment(since),
    }


def decide(request: HttpRequest) -> HttpResponse:
    """Release or void what was chosen, each in a transaction of its own, and tell what came of it.

    What was decided in the meantime stays as it is.
    """
    chosen = _chosen(request.POST.getlist("referral"))
    back = HttpResponseRedirect(_whence(request, chosen))
    form = ReasonForm(request.POST)
    act = _DECISIONS.get(request.POST.get("decision", ""))
    if not chosen or act is None:
        messages.warning(request, "Nothing was chosen.")
    elif not form.is_valid():
        messages.error(request, f"Reason: {' '.join(map(str, form.errors['reason']))}")
    else:
        reason, by = form.cleaned_data["reason"], operator(request)
        _tell(request, act[1], [_decide(one, act[0], by=by, note=reason) for one in chosen])
    return back


def _chosen(ids: list[str]) -> list[Referral]:
    return by_ids(ids, Referral.objects.select_related("referrer", "referred_user"))


def _whence(request: HttpRequest, chosen: list[Referral]) -> str:
    if "is_page" in request.POST and chosen:
        return page_of(chosen[0])
    return reverse("admin:referrals_referral_review")


def _decide(
    referral: Referral, act: Callable[..., Referral], *, by: User, note: str
) -> tuple[str, str]:
    """Decide on one, and return who it was about, and why it was not done if it was not."""
    who = f"{referral.referrer.username} → {referral.referred_user.username}"
    try:
        act(referral.pk, by=by, note=note, now=timezone.now())
    except review.NotHeldError:
        return who, "it was decided already"
    except review.OwnBonusError:
        return who, "it is your own bonus, and takes somebody else"
    except review.ReferrerGoneError:
        return who, "the referrer is deactivated, so that it can only be voided"
    return who, ""


def _tell(request: HttpRequest, done: str, outcomes: list[tuple[str, str]]) -> None:
    count = sum(not why_not for _, why_not in outcomes)
    if count:
        names = ", ".join(who for who, why_not in outcomes if not why_not)
        messages.success(request, f"{done} {count}: {names}.")
    for who, why_not in outcomes:
        if why_not:
            messages.warning(request, f"Not {done.lower()}: {who}: {why_not}.")
