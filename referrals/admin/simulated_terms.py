"""The tables of the page that simulates terms."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.forms import ModelForm

from accounts.date_format import day
from accounts.money import dollars
from gatewayz.adminbase.formatting import link_to
from gatewayz.cli.output import counted
from payments.reports.terms_simulation import WINDOW, Comparison, Simulation, Tally
from referrals.models import Program

SHOWN = 20
_MONEY = ("referrer_bonus", "referee_bonus", "minimum_purchase", "budget")


def changes(today: Program, draft: ModelForm) -> list[dict[str, Any]]:
    """Return each of the terms but their start: as it is today, and as the draft has it."""
    return [
        {
            "name": field.label,
            "today": _shown(today, field.name),
            "after": _shown(draft.instance, field.name),
            "is_changed": getattr(today, field.name) != getattr(draft.instance, field.name),
        }
        for field in draft
        if field.name != "starts_at"
    ]


def _shown(terms: Program, name: str) -> str:
    value = getattr(terms, name)
    if value is None:
        return "no end"
    return dollars(value) if name in _MONEY else str(value)


def context(simulation: Simulation) -> dict[str, Any]:
    """Return what the page shows."""
    lines = simulation.most_changed(SHOWN)
    more = len(simulation.referrers) - len(lines)
    return {
        "days": WINDOW.days,
        "sums": {
            "headers": ["", "Really awarded", "Under the draft", "Difference"],
            "rows": _sums(simulation.all),
        },
        "budget_end": _budget_end(simulation),
        "people": {
            "headers": ["Referrer", "Uses", "Awarded → drafted", "Difference"],
            "rows": [_row(line) for line in lines],
        },
        "qualifying": _qualifying(simulation),
        "unshown": f"{more:,} more, for whom less would change. " if more else "",
    }


def _qualifying(simulation: Simulation) -> str:
    return (
        f"{simulation.purchases:,} purchases since {day(simulation.since)}."
        f" {simulation.newly_qualifying:,} would newly qualify,"
        f" {simulation.no_longer_qualifying:,} would no longer."
        f" {simulation.by_promise:,} would be judged by the terms promised with the invitation,"
        " which bring more."
    )


def _sums(both: Comparison) -> list[list[str]]:
    paid, drafted = both.paid, both.drafted
    return [
        ["Uses of a code", *_counted(paid.uses, drafted.uses)],
        ["of these held for review", *_counted(paid.held, drafted.held)],
        ["To referrers", *_amounts(paid.to_referrers, drafted.to_referrers)],
        ["To their friends", *_amounts(paid.to_referees, drafted.to_referees)],
        ["In all", *_amounts(paid.total, drafted.total)],
    ]


def _counted(before: int, after: int) -> tuple[str, str, str]:
    return f"{before:,}", f"{after:,}", f"{after - before:+,}" if after != before else "–"


def _amounts(before: Decimal, after: Decimal) -> tuple[str, str, str]:
    return dollars(before), dollars(after), difference(after - before)


def difference(amount: Decimal) -> str:
    """Return `+$10.00`, `-$10.00`, or a dash for nothing."""
    if not amount:
        return "–"
    return dollars(amount) if amount < 0 else f"+{dollars(amount)}"


def _row(both: Comparison) -> list[str]:
    paid, drafted = both.paid, both.drafted
    return [
        link_to("accounts_user_change", both.referrer_id, both.username),
        _from_to(_uses(paid), _uses(drafted)),
        _from_to(dollars(paid.total), dollars(drafted.total)),
        difference(both.difference),
    ]


def _from_to(before: str, after: str) -> str:
    return before if before == after else f"{before} → {after}"


def _uses(tally: Tally) -> str:
    return f"{tally.uses} ({tally.held} held)" if tally.held else str(tally.uses)


def _budget_end(simulation: Simulation) -> str:
    """Say how long the draft's budget would last, if it has one."""
    if simulation.draft.budget is None:
        return ""
    lasts = simulation.budget_lasts
    if lasts is None:
        return "Nothing would have been awarded, so the budget would last for ever."
    if simulation.spent_at:
        return (
            f"The budget would have been spent after {_days(lasts)}, on"
            f" {day(simulation.spent_at)}; from then on no bonus."
        )
    return f"The budget would not have been spent; at this pace it lasts about {_days(lasts)}."


def _days(span: timedelta) -> str:
    return counted(span.days, "day") if span.days else "less than a day"
