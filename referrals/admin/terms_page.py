"""The page of one set of terms: what they promise, what they paid, and what is left."""

from datetime import datetime
from typing import Any

from accounts import audit
from accounts.date_format import day, moment
from accounts.money import dollars
from gatewayz.adminbase.formatting import link, when
from gatewayz.cli.output import counted
from referrals import budget
from referrals.budget import Forecast, Spending
from referrals.models import Program


def context(terms: Program, promises: list[tuple[str, Any]], *, now: datetime) -> dict[str, Any]:
    """Return what the page shows of the terms; `promises` are the columns of their list."""
    in_force = Program.objects.at(now).get() == terms
    return {
        "title": f"Terms from {moment(terms.starts_at)} UTC",
        "promises": [*promises, *_people(terms)],
        "results": _results(budget.spending(terms), has_budget=terms.budget is not None),
        **budget_context(terms, budget.forecast(terms, now=now) if in_force else None),
        "expectation": "" if in_force else _expectation(terms, now=now),
        "log": audit.of(terms).select_related("by"),
    }


def budget_context(terms: Program, outlook: Forecast | None) -> dict[str, Any]:
    """Return what a page shows of the budget of terms: what is left, and how long it lasts.

    Terms that are not in force have no outlook; terms without a budget show nothing.
    """
    if terms.budget is None or terms.left is None:
        return {}
    return {
        "terms": terms,
        "budget": dollars(terms.budget),
        "left": dollars(terms.left),
        "outlook": outlook,
        "daily": dollars(outlook.daily) if outlook else "",
    }


def _results(spent: Spending, *, has_budget: bool) -> list[tuple[str, str]]:
    kept = ", still reserved: a dispute that is won pays it again" if has_budget else ""
    return [
        ("Paid so far", f"{dollars(spent.paid)} for {counted(spent.uses, 'referral')}"),
        ("Held for review", dollars(spent.held)),
        ("Taken back", f"{dollars(spent.taken_back)}{kept if spent.taken_back else ''}"),
        ("Taken back for good", dollars(spent.returned)),
    ]


def _people(terms: Program) -> list[tuple[str, Any]]:
    """Return who added the terms, and who decided on them, if anybody did."""
    decided = [
        ("Second person", link(terms.decided_by)),
        ("Decided", when(terms.decided_at)),
        ("Decision note", terms.decision_note),
    ]
    added = [("Added by", link(terms.requested_by))] if terms.requested_by else []
    return added + (decided if terms.decided_by else [])


def _expectation(terms: Program, *, now: datetime) -> str:
    if terms.status == Program.Status.WAITING:
        return "They wait for the approval of another person of Finance, and are not in force."
    if terms.status == Program.Status.REJECTED:
        return "They were rejected, and never come into force."
    if terms.starts_at > now:
        return f"They start on {day(terms.starts_at)}; nothing was paid by them yet."
    return "They are over: nothing more is promised by them."
