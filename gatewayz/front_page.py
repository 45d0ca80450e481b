"""The desk's front page: figures with their change, charts, the funnel, and what needs someone."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts.money import dollars
from payments.attention import Attention, attention
from payments.daily import Day, midnight
from payments.figures import Figures, Period, figures
from referrals.gates import NOT_QUALIFYING, Decision

PERIODS = (7, 30, 90)
_DEFAULT = 30
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_BONUS_KINDS = "referrer_bonus,referee_bonus"


@dataclass(frozen=True)
class Figure:
    """One number with what it was before, and the list behind it."""

    title: str
    value: str
    link: str
    note: str = ""
    change: str = ""


@dataclass(frozen=True)
class Step:
    """A step of the funnel; `percent` of those who took the first."""

    title: str
    count: int
    percent: int
    link: str


@dataclass(frozen=True)
class Waiting:
    """Something that a person has to look at, in the words for one and for several."""

    one: str
    several: str
    count: int
    link: str


def with_figures(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what the front page shows, for those who may see it."""
    if not request.user.has_perm("payments.view_dailyfigures"):
        return context
    now = timezone.now()
    asked = request.GET.get("days", "")
    days = int(asked) if asked in map(str, PERIODS) else _DEFAULT
    found = figures(days=days, now=now)
    waiting = attention(now=now)
    return context | {
        "periods": [(each, each == days) for each in PERIODS],
        "first_day": found.now.first,
        "figures": list(_of_period(found)),
        "books": list(_of_books(found)),
        "funnel": list(_funnel(found.now)),
        "waiting": [each for each in _waiting(waiting) if each.count],
        "ledger_check": waiting.ledger_check,
        "ledger_checks": _list("payments_ledgercheck"),
        "charts": list(_charts(found.now.days)),
    }


def _moment(day: date) -> str:
    return midnight(day).isoformat()


def _list(page: str, **query: Any) -> str:
    link = reverse(f"admin:{page}_changelist")
    return f"{link}?{urlencode(query)}" if query else link


def _of_period(found: Figures) -> Iterable[Figure]:
    now, before = found.now.sums, found.before.sums
    since = _moment(found.now.first)
    people = _list("accounts_user", created_at__gte=since)
    invited = _invited(found.now)
    bought = _list(
        "payments_payment",
        paid_at_from=found.now.first.isoformat(),
        bonus_decision__in=",".join(sorted(set(Decision) - NOT_QUALIFYING)),
    )
    bonuses = _list("accounts_ledgerentry", created_at__gte=since, kind__in=_BONUS_KINDS)
    backs = _list("payments_clawback", created_at__gte=since)
    yield _counted("Sign-ups", now.signups, before.signups, people)
    yield _counted("Sign-ups by a code", now.invited_signups, before.invited_signups, invited)
    yield _counted(
        "First qualifying purchases", now.first_purchases, before.first_purchases, bought
    )
    yield _money("Bonuses paid", now.bonuses, before.bonuses, bonuses)
    yield _money("Refunds & disputes", now.money_back, before.money_back, backs)
    yield Figure(
        "Conversion",
        _percent(found.now.cohort.conversion),
        invited,
        note=f"{_percent(found.before.cohort.conversion)} before",
    )
    yield Figure(
        "Time to first purchase",
        _duration(found.now.time_to_purchase),
        bought,
        note=f"median, {_duration(found.before.time_to_purchase)} before",
    )


def _of_books(found: Figures) -> Iterable[Figure]:
    books = found.books
    yield Figure("Credits outstanding", dollars(books.outstanding), _list("accounts_user"))
    yield Figure(
        "Debts",
        dollars(books.debts),
        _list("accounts_user", balance="debt"),
        note=f"{books.debtors:,} people below zero",
    )
    yield Figure(
        "Bonuses that stand", dollars(books.bonuses), _list("referrals_standing"), note="in all"
    )


def _counted(title: str, now: int, before: int, link: str) -> Figure:
    return Figure(title, f"{now:,}", link, f"{before:,} before", _change(now, before))


def _money(title: str, now: Decimal, before: Decimal, link: str) -> Figure:
    return Figure(title, dollars(now), link, f"{dollars(before)} before", _change(now, before))


def _change(now: Decimal | int, before: Decimal | int) -> str:
    """Return the change in per cent; from nothing there is none."""
    return f"{(now - before) * 100 / before:+.0f} %".replace("-", "−") if before else ""


def _percent(value: Decimal | None) -> str:
    return "–" if value is None else f"{value} %"


def _duration(time: timedelta | None) -> str:
    """Return `40 min`, `5 h` or `2.5 days`."""
    if time is None:
        return "–"
    if time < _HOUR:
        return f"{time.total_seconds() / 60:.0f} min"
    if time < 2 * _DAY:
        return f"{time / _HOUR:.0f} h"
    return f"{time / _DAY:.1f} days"


def _invited(period: Period) -> str:
    return _list(
        "accounts_user", created_at__gte=_moment(period.first), referred_by_code__isnull="0"
    )


def _funnel(period: Period) -> Iterable[Step]:
    cohort = period.cohort
    invited = _invited(period)
    steps = (
        ("Looked at an invitation", period.sums.looks, invited),
        ("Signed up by a code", cohort.invited, invited),
        ("Of these, bought", cohort.bought, invited),
        ("Of these, qualified", cohort.qualified, f"{invited}&has_made_first_purchase__exact=1"),
    )
    most = max(count for _, count, _ in steps)
    for title, count, link in steps:
        yield Step(title, count, round(100 * count / most) if most else 0, link)


def _waiting(found: Attention) -> Iterable[Waiting]:
    yield from _waiting_events(found)
    queue = reverse("admin:referrals_referral_review")
    yield Waiting("held bonus", "held bonuses", found.held_bonuses, queue)
    budget = "budget that is spent, or soon will be"
    yield Waiting(budget, "", found.ending_budgets, _list("referrals_program"))
    asked = _list("accounts_adjustment", status__exact="waiting")
    yield Waiting(
        "adjustment to approve", "adjustments to approve", found.waiting_adjustments, asked
    )
    jobs = _list("procrastinate_procrastinatejob", status__exact="failed")
    yield Waiting("failed job", "failed jobs", found.failed_jobs, jobs)
    breaches = found.ledger_check.breaches if found.ledger_check else 0
    checks = _list("payments_ledgercheck")
    yield Waiting("breach of the ledger", "breaches of the ledger", breaches, checks)


def _waiting_events(found: Attention) -> Iterable[Waiting]:
    events = partial(_list, "payments_stripeevent")
    yield Waiting("failed event", "failed events", found.failed_events, events(outcome="failed"))
    aside = events(outcome="quarantined")
    yield Waiting("quarantined event", "quarantined events", found.quarantined_events, aside)
    yield Waiting(
        "event unprocessed for 5 minutes",
        "events unprocessed for 5 minutes",
        found.overdue_events,
        events(outcome="received"),
    )


def _charts(days: Sequence[Day]) -> Iterable[dict[str, Any]]:
    yield _chart(
        "Sign-ups",
        days,
        ("by a code", "var(--color-primary-600)", lambda day: day.invited_signups),
        ("by themselves", "#9ca3af", lambda day: day.signups - day.invited_signups),
    )
    yield _chart(
        "First qualifying purchases", days, ("people", "#0d9488", lambda day: day.first_purchases)
    )
    yield _chart(
        "Bonuses, $",
        days,
        ("paid", "#16a34a", lambda day: float(day.bonuses)),
        ("taken back", "#f59e0b", lambda day: -float(day.bonuses_taken)),
    )
    yield _chart(
        "Refunds & disputes, $",
        days,
        ("refunded", "#f97316", lambda day: float(day.refunds)),
        ("disputed", "#dc2626", lambda day: float(day.disputes)),
    )


def _chart(
    title: str, days: Sequence[Day], *series: tuple[str, str, Callable[[Day], float]]
) -> dict[str, Any]:
    """Return a chart of bars, one a day, that lie upon each other."""
    sets = [
        {"label": label, "backgroundColor": colour, "data": [value(day) for day in days]}
        for label, colour, value in series
    ]
    labels = [f"{day.day.day} {day.day:%b}" for day in days]
    is_empty = not any(any(each["data"]) for each in sets)
    return {
        "title": title,
        "is_empty": is_empty,
        "data": json.dumps({"labels": labels, "datasets": sets}),
        "options": _CHART_OPTIONS,
    }


_GREY = "#9ca3af"
_CHART_OPTIONS = json.dumps(
    {
        "animation": False,
        "maintainAspectRatio": False,
        "barPercentage": 0.9,
        "categoryPercentage": 0.9,
        "interaction": {"mode": "index", "intersect": False},
        "plugins": {
            "legend": {
                "display": True,
                "align": "end",
                "labels": {"boxWidth": 10, "boxHeight": 10, "color": _GREY},
            }
        },
        "scales": {
            "x": {
                "stacked": True,
                "grid": {"display": False},
                "ticks": {"maxTicksLimit": 8, "maxRotation": 0, "color": _GREY},
            },
            "y": {
                "stacked": True,
                "border": {"display": False},
                "grid": {"color": "#e5e7eb"},
                "ticks": {"maxTicksLimit": 5, "precision": 0, "color": _GREY},
            },
        },
    }
)
