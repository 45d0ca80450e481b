"""Where each number of the dashboard leads: to the list, filtered to the rows that it counts."""

from dataclasses import dataclass, field

from django.urls import reverse

from payments.reports.daily import Span


@dataclass(frozen=True)
class FilteredList:
    """A list with its filters; `day_column` is filtered by the days of the number."""

    page: str  # the URL's name, within the admin
    filters: dict[str, str] = field(default_factory=dict)
    day_column: str = ""


def _people(**filters: str) -> FilteredList:
    return FilteredList("accounts_user_changelist", filters, "created_at")


def _purchases(**filters: str) -> FilteredList:
    return FilteredList("payments_payment_changelist", filters, "paid_at")


def _entries(kind: str) -> FilteredList:
    return FilteredList("accounts_ledgerentry_changelist", {"kind": kind}, "created_at")


def _balances(balance: str) -> FilteredList:
    return FilteredList("accounts_user_changelist", {"balance": balance})


def _events(outcome: str) -> FilteredList:
    return FilteredList("payments_stripeevent_changelist", {"outcome": outcome})


def _by_status(model: str, status: str) -> FilteredList:
    return FilteredList(f"{model}_changelist", {"status__exact": status})


LISTS = {
    "signups": _people(),
    "invited_signups": _people(referred="yes"),
    "own_signups": _people(referred="no"),
    "cohort_bought": _people(referred="yes", purchases="any"),
    "cohort_qualified": _people(referred="yes", purchases="qualifying"),
    "first_purchases": _purchases(bonus_decision="qualifying"),
    "timed_purchases": _purchases(bonus_decision="qualifying", referred="yes"),
    "bonuses": _entries("bonus"),
    "bonuses_taken": _entries("bonus_taken_back"),
    "money_back": _entries("refund_or_dispute"),
    "refunds": _entries("refund"),
    "disputes": _entries("dispute"),
    "given_again": _entries("refund_or_dispute_undone"),
    "outstanding": _balances("credit"),
    "debts": _balances("debt"),
    "bonuses_in_all": _by_status("referrals_referral", "completed"),
    "failed_events": _events("failed"),
    "quarantined_events": _events("quarantined"),
    "overdue_events": _events("overdue"),
    "waiting_adjustments": _by_status("accounts_adjustment", "waiting"),
    "failed_jobs": _by_status("procrastinate_procrastinatejob", "failed"),
    "ending_budgets": FilteredList("referrals_program_changelist", {"state": "in_force"}),
    "held_bonuses": FilteredList("referrals_referral_review"),
}


def link(name: str, span: Span | None = None) -> str:
    """Return the address of the list of a number, for these days."""
    return _address(LISTS[name], *((span.first.isoformat(), span.last.isoformat()) if span else ()))


def link_of_a_day(name: str) -> str:
    """Return the address of the list of one day, with `DAY` in the place of its date."""
    return _address(LISTS[name], "DAY", "DAY")


def _address(found: FilteredList, first: str = "", last: str = "") -> str:
    days = {}
    if first and found.day_column:
        days = {f"{found.day_column}_from": first, f"{found.day_column}_to": last}
    return reverse(f"admin:{found.page}", query={**found.filters, **days})
