"""A person's page: the main facts at the top, then a section for each thing one may ask."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from accounts import people
from accounts.admin import sections
from accounts.authentication import operator
from accounts.models import User
from accounts.money import dollars
from gatewayz.adminbase.formatting import day, link
from gatewayz.adminbase.status_badges import word_badge
from referrals import reports
from referrals.attribution import referrer_of


@dataclass(frozen=True)
class Fact:
    """A figure at the top of the page."""

    name: str
    value: str
    detail: str = ""
    tone: str = ""


def person_page(user: User, *, request: HttpRequest, now: datetime) -> dict[str, Any]:
    """Return what the template shows above the form, as far as this operator may see it."""
    stats = reports.stats(user, now=now)
    return {
        "facts": _facts(user, stats),
        "badges": [word_badge(word) for word in _states(user)],
        "sections": list(_sections(user, stats, request, now=now)),
    }


def _facts(user: User, stats: reports.Stats) -> list[Fact]:
    # Whoever is pending earns nothing any more, once the code is used up.
    pending = f"{stats.pending_referrals} pending" if stats.remaining_uses else "code used up"
    return [
        _balance(user),
        Fact(
            "Code",
            user.referral_code or "none yet",
            f"{stats.total_uses} of {stats.max_uses} uses taken, {stats.remaining_uses} left",
        ),
        Fact("Earned by inviting", dollars(stats.total_earned), pending),
        Fact("Invited by", *_inviter(user)),
        Fact(
            "First purchase",
            "Yes" if user.has_made_first_purchase else "Not yet",
            "that qualifies for the bonus",
        ),
        Fact("Signed up", day(user.created_at), f"by {user.get_auth_method_display()}"),
    ]


def _balance(user: User) -> Fact:
    if user.credits < 0:
        owed = f"owes {dollars(-user.credits)}; the next credits fill it up"
        return Fact("Balance", dollars(user.credits), owed, tone="debt")
    detail = "credits to spend" if user.is_active else "deactivated: gets nothing until reactivated"
    return Fact("Balance", dollars(user.credits), detail)


def _inviter(user: User) -> tuple[str, str]:
    if user.referred_by_code is None:
        return "nobody", "registered without a code that counts"
    referrer = referrer_of(user)
    code = f"with the code {user.referred_by_code}"
    if user.claimed_at:
        code += f", claimed {day(user.claimed_at)}"
    return (link(referrer), code) if referrer else ("an account that is deleted", code)


def _states(user: User) -> Iterator[str]:
    yield "active" if user.is_active else "deactivated"
    if user.is_superuser:
        yield "superuser"
    elif user.is_staff:
        yield "staff"


def _sections(
    user: User, stats: reports.Stats, request: HttpRequest, *, now: datetime
) -> Iterator[sections.Section]:
    may = request.user.has_perm
    if may("accounts.view_ledgerentry"):
        yield sections.statement(user)
    if may("payments.view_payment"):
        yield sections.purchases(user)
    if may("referrals.view_referral"):
        yield sections.referrals(user, is_used_up=not stats.remaining_uses, now=now)
    if may("accounts.view_apikey"):
        manages = may("accounts.manage_keys") and people.is_manageable(user, by=operator(request))
        yield sections.keys(user, now=now, may_manage=manages)
    if may("accounts.view_adjustment"):
        yield sections.adjustments(user)
    if may("accounts.view_auditentry"):
        yield sections.history(user)
