"""The desk's front page: figures with their change, the funnel, and what needs someone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.http import HttpRequest
from django.urls import resolve, reverse
from django.utils import timezone

from accounts.money import dollars
from gatewayz.cli.output import counted
from gatewayz.operators import behind
from gatewayz.operators.dashboard_charts import charts
from payments.behind import BEHIND
from payments.reports.action_items import ActionItems, action_items
from payments.reports.daily import Span
from payments.reports.totals import Period, ProgramTotals, program_totals, times_to_purchase

PERIODS = (7, 30, 90)
_DEFAULT = 30
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
# What has grown by more is told as a multiple.
_TIMES = 11
_Number = Decimal | int | float


@dataclass(frozen=True)
class Figure:
    """One number with what it was before, and the list behind it, if it may be opened."""

    title: str
    value: str
    link: str
    note: str = ""
    change: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Step:
    """A step of the funnel; `percent` of the largest; a list, if there is one to open."""

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


_Shown = TypeVar("_Shown", Figure, Step, Waiting)


def with_figures(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what the front page shows, for those who may see it."""
    if not request.user.has_perm("payments.view_dailytotals"):
        return context
    now = timezone.now()
    asked = request.GET.get("days", "")
    days = int(asked) if asked in map(str, PERIODS) else _DEFAULT
    found = program_totals(days=days, now=now)
    waiting = action_items(now=now)
    return context | {
        "periods": [(each, each == days) for each in PERIODS],
        "days": behind.days(found.now.span),
        "length": days,
        "figures": _open_to(request, [*_of_period(found), *_of_books(found)]),
        "funnel": _open_to(request, list(_funnel(found.now))),
        "waiting": _open_to(request, [each for each in _waiting(waiting) if each.count]),
        "ledger_check": waiting.ledger_check,
        "ledger_checks": reverse("admin:payments_ledgercheck_changelist"),
        "charts": list(charts(found.now.days)),
    }


def _open_to(request: HttpRequest, shown: Sequence[_Shown]) -> list[_Shown]:
    """Return what is shown, without the links that this operator may not follow."""
    return [
        each if not each.link or _may_open(request, each.link) else replace(each, link="")
        for each in shown
    ]


def _may_open(request: HttpRequest, link: str) -> bool:
    """Tell by the page's name, as `accounts_user_changelist`, whether its rows may be seen."""
    app, model, *_ = str(resolve(urlsplit(link).path).url_name).split("_")
    return request.user.has_perm(f"{app}.view_{model}")


def _of_period(found: ProgramTotals) -> Iterable[Figure]:
    span, now, before = found.now.span, found.now.sums, found.before.sums
    yield _counted("signups", span, now.signups, before.signups)
    yield _counted("invited_signups", span, now.invited_signups, before.invited_signups)
    yield _counted("first_purchases", span, now.first_purchases, before.first_purchases)
    yield _conversion(found)
    yield _time_to_purchase(found)
    yield _money("bonuses", span, now.bonuses, before.bonuses)
    yield _money("bonuses_taken", span, now.bonuses_taken, before.bonuses_taken)
    yield _money("money_back", span, now.money_back, before.money_back)
    yield _money("reinstated", span, now.reinstated, before.reinstated)


def _conversion(found: ProgramTotals) -> Figure:
    now, before = found.now.cohort, found.before.cohort
    points = ""
    if now.conversion is not None and before.conversion is not None:
        points = _signed(f"{now.conversion - before.conversion:+.1f} points")
    return Figure(
        "Conversion",
        _percent(now.conversion),
        behind.link("cohort_qualified", found.now.span),
        f"{_percent(before.conversion)} before",
        points,
        f"{now.qualified:,} of {now.invited:,} by a code",
    )


def _time_to_purchase(found: ProgramTotals) -> Figure:
    now, before = found.now.time_to_purchase, found.before.time_to_purchase
    people = len(times_to_purchase(found.now.days))
    return Figure(
        "Time to first purchase",
        _duration(now),
        behind.link("timed_purchases", found.now.span),
        f"{_duration(before)} before",
        change(now.total_seconds(), before.total_seconds()) if now and before else "",
        f"median of {people:,} by a code",
    )


def _of_books(found: ProgramTotals) -> Iterable[Figure]:
    now, before = found.books, found.books_before
    yield _money("outstanding", None, now.outstanding, before.outstanding)
    people = counted(now.debts.people, "person", "people") if now.debts.people else ""
    yield _money("debts", None, now.debts.total, before.debts.total, people)
    given, taken = dollars(now.bonuses_given), dollars(now.bonuses_taken)
    parts = f"{given} − {taken} taken back"
    yield _money("bonuses_in_all", None, now.bonuses, before.bonuses, parts)


def _counted(name: str, span: Span, now: int, before: int) -> Figure:
    link = behind.link(name, span)
    return Figure(BEHIND[name].title, f"{now:,}", link, f"{before:,} before", change(now, before))


def _money(name: str, span: Span | None, now: Decimal, before: Decimal, detail: str = "") -> Figure:
    link, note = behind.link(name, span), f"{dollars(before)} before"
    return Figure(BEHIND[name].title, dollars(now), link, note, change(now, before), detail)


def change(now: _Number, before: _Number) -> str:
    """Return the change in per cent; from nothing to something is new."""
    if not before:
        return "new" if now else ""
    ratio = float(now) / float(before)
    if ratio > _TIMES:
        return f"×{ratio:.0f}"
    return _signed(f"{round(100 * ratio) - 100:+d} %")


def _signed(change: str) -> str:
    return change.replace("-", "−").replace("+0 ", "±0 ")


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


def _funnel(period: Period) -> Iterable[Step]:
    cohort = period.cohort
    steps = (
        ("Looked at an invitation", period.sums.invite_views, ""),  # by whom, nobody knows
        ("Signed up by a code", cohort.invited, "invited_signups"),
        ("Of these, bought", cohort.bought, "cohort_bought"),
        ("Of these, qualified", cohort.qualified, "cohort_qualified"),
    )
    most = max(count for _, count, _ in steps)
    for title, count, name in steps:
        link = behind.link(name, period.span) if name else ""
        yield Step(title, count, round(100 * count / most) if most else 0, link)


def _waiting(found: ActionItems) -> Iterable[Waiting]:
    for name, one, several, count in _tasks(found):
        yield Waiting(one, several, count, behind.link(name))
    queue = reverse("admin:referrals_referral_review")
    yield Waiting("held bonus", "held bonuses", found.held_bonuses, queue)
    if check := found.ledger_check:
        page = reverse("admin:payments_ledgercheck_change", args=[check.pk])
        yield Waiting("breach of the ledger", "breaches of the ledger", check.breaches, page)


def _tasks(found: ActionItems) -> Iterable[tuple[str, str, str, int]]:
    """Return what waits in a list, as one and as several, and how many."""
    yield "failed_events", "failed event", "failed events", found.failed_events
    aside = found.quarantined_events
    yield "quarantined_events", "quarantined event", "quarantined events", aside
    late = "unprocessed for 5 minutes"
    yield "overdue_events", f"event {late}", f"events {late}", found.overdue_events
    asked = found.waiting_adjustments
    yield "waiting_adjustments", "adjustment to approve", "adjustments to approve", asked
    yield "failed_jobs", "failed job", "failed jobs", found.failed_jobs
    yield "ending_budgets", "budget that is spent, or soon will be", "", found.ending_budgets
