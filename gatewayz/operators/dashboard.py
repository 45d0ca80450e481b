"""The admin's dashboard: figures with their change, the funnel, and what needs someone."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest
from django.urls import resolve, reverse
from django.utils import timezone

from accounts import report_database
from accounts.money import dollars
from gatewayz.cli.output import counted
from gatewayz.operators.dashboard_charts import charts
from gatewayz.operators.dashboard_links import link
from payments.reports.action_items import ActionItems, action_items
from payments.reports.daily import Span
from payments.reports.totals import Period, ProgramTotals, program_totals, times_to_purchase

PERIODS = (7, 30, 90)
_DEFAULT = 30
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
# Above this ratio a change is shown as a multiple.
_MOST_PERCENT_RATIO = 11
_Number = Decimal | int | float
# The figures of a period, and what waits: each by the name of its list, and of its attribute.
_COUNTS = {
    "signups": "Sign-ups",
    "invited_signups": "Sign-ups by a code",
    "first_purchases": "First qualifying purchases",
}
_AMOUNTS = {
    "bonuses": "Bonuses paid",
    "bonuses_taken": "Bonuses taken back",
    "money_back": "Refunds & disputes",
    "reinstated": "Refunds & disputes undone",
}
_TASKS = {
    "failed_events": ("failed event", "failed events"),
    "quarantined_events": ("quarantined event", "quarantined events"),
    "overdue_events": (
        "event unprocessed for 5 minutes",
        "events unprocessed for 5 minutes",
    ),
    "waiting_adjustments": ("adjustment to approve", "adjustments to approve"),
    "waiting_terms": ("set of terms to approve", "sets of terms to approve"),
    "failed_jobs": ("failed job", "failed jobs"),
    "stalled_jobs": ("job whose worker ended", "jobs whose worker ended"),
    "ending_budgets": ("budget that is spent, or soon will be", ""),
}


@dataclass(frozen=True)
class Figure:
    """One number, what it was before, and the list of its rows, if the operator may open it."""

    title: str
    value: str
    link: str
    note: str = ""
    change: str = ""
    detail: str = ""
    percent: int = 0  # of the largest, in the funnel


def with_figures(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what the dashboard shows, for those who may see it."""
    if not request.user.has_perm("payments.view_dailytotals"):
        return context
    now = timezone.now()
    asked = request.GET.get("days", "")
    days = int(asked) if asked in map(str, PERIODS) else _DEFAULT
    found = report_database.read(lambda: program_totals(days=days, now=now))
    waiting = action_items(now=now)
    return context | {
        "periods": [(each, each == days) for each in PERIODS],
        "days": _days(found.now.span),
        "length": days,
        "figures": _open_to(request, [*_of_period(found), *_of_books(found)]),
        "funnel": _open_to(request, _funnel(found.now)),
        "waiting": _open_to(request, _waiting(waiting)),
        "ledger_check": waiting.ledger_check,
        "replica": report_database.state() if report_database.is_configured() else None,
        "ledger_checks": reverse("admin:payments_ledgercheck_changelist"),
        "charts": list(charts(found.now.days)),
    }


def _open_to(request: HttpRequest, shown: Iterable[Figure]) -> list[Figure]:
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
    for name, title in _COUNTS.items():
        yield _counted(title, getattr(now, name), getattr(before, name), link(name, span))
    yield _conversion(found)
    yield _time_to_purchase(found)
    for name, title in _AMOUNTS.items():
        yield _money(title, getattr(now, name), getattr(before, name), link(name, span))


def _conversion(found: ProgramTotals) -> Figure:
    now, before = found.now.cohort, found.before.cohort
    points = ""
    if now.conversion is not None and before.conversion is not None:
        points = _signed(f"{now.conversion - before.conversion:+.1f} points")
    return Figure(
        "Conversion",
        _percent(now.conversion),
        link("cohort_qualified", found.now.span),
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
        link("timed_purchases", found.now.span),
        f"{_duration(before)} before",
        change(now.total_seconds(), before.total_seconds()) if now and before else "",
        f"median of {people:,} by a code",
    )


def _of_books(found: ProgramTotals) -> Iterable[Figure]:
    now, before = found.books, found.books_before
    yield _money("Credits outstanding", now.outstanding, before.outstanding, link("outstanding"))
    people = counted(now.debts.people, "person", "people") if now.debts.people else ""
    yield _money("Debts", now.debts.total, before.debts.total, link("debts"), people)
    given, taken = dollars(now.bonuses_given), dollars(now.bonuses_taken)
    parts = f"{given} − {taken} taken back"
    yield _money("Bonuses paid in all", now.bonuses, before.bonuses, link("bonuses_in_all"), parts)


def _counted(title: str, now: int, before: int, target: str) -> Figure:
    return Figure(title, f"{now:,}", target, f"{before:,} before", change(now, before))


def _money(title: str, now: Decimal, before: Decimal, target: str, detail: str = "") -> Figure:
    note = f"{dollars(before)} before"
    return Figure(title, dollars(now), target, note, change(now, before), detail)


def change(now: _Number, before: _Number) -> str:
    """Return the change in per cent; from nothing to something is new."""
    if not before:
        return "new" if now else ""
    ratio = float(now) / float(before)
    if ratio > _MOST_PERCENT_RATIO:
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


def _funnel(period: Period) -> Iterable[Figure]:
    cohort = period.cohort
    steps = (
        ("Looked at an invitation", period.sums.invite_views, ""),  # nobody knows by whom
        ("Signed up by a code", cohort.invited, "invited_signups"),
        ("Of these, bought", cohort.bought, "cohort_bought"),
        ("Of these, qualified", cohort.qualified, "cohort_qualified"),
    )
    most = max(count for _, count, _ in steps)
    for title, count, name in steps:
        target = link(name, period.span) if name else ""
        percent = round(100 * count / most) if most else 0
        yield Figure(title, f"{count}", target, percent=percent)


def _waiting(found: ActionItems) -> Iterable[Figure]:
    for name, words in _TASKS.items():
        yield from _task(getattr(found, name), words, link(name))
    if not found.live_workers:
        yield Figure("workers running: no periodic job runs", "0", link("jobs"))
    queue = reverse("admin:referrals_referral_review")
    yield from _task(found.held_bonuses, ("held bonus", "held bonuses"), queue)
    if check := found.ledger_check:
        page = reverse("admin:payments_ledgercheck_change", args=[check.pk])
        words = ("breach of the ledger", "breaches of the ledger")
        yield from _task(check.breaches, words, page)


def _task(count: int, words: tuple[str, str], target: str) -> Iterable[Figure]:
    """Give what waits, in the words for one or for several; nothing if nothing waits."""
    if count:
        yield Figure(words[count > 1], f"{count}", target)


def _days(span: Span) -> str:
    """Return `24 October to 22 November 2026`."""
    first, last = span.first, span.last
    begin = f"{first:%-d %B}" if first.year == last.year else f"{first:%-d %B %Y}"
    return f"{begin} to {last:%-d %B %Y}"
