"""Where each number of the dashboard leads: to the list, filtered to the rows that it counts."""

from django.urls import reverse

from payments.reports.daily import Span

# Each number's list, its filters, and the column that is filtered by the days of the number.
LISTS: dict[str, tuple[str, str, str]] = {
    "signups": ("accounts_user", "", "created_at"),
    "invited_signups": ("accounts_user", "referred=yes", "created_at"),
    "own_signups": ("accounts_user", "referred=no", "created_at"),
    "cohort_bought": ("accounts_user", "referred=yes&purchases=any", "created_at"),
    "cohort_qualified": ("accounts_user", "referred=yes&purchases=qualifying", "created_at"),
    "first_purchases": ("payments_payment", "bonus_decision=qualifying", "paid_at"),
    "timed_purchases": ("payments_payment", "bonus_decision=qualifying&referred=yes", "paid_at"),
    "bonuses": ("accounts_ledgerentry", "kind=bonus", "created_at"),
    "bonuses_taken": ("accounts_ledgerentry", "kind=bonus_taken_back", "created_at"),
    "money_back": ("accounts_ledgerentry", "kind=refund_or_dispute", "created_at"),
    "refunds": ("accounts_ledgerentry", "kind=refund", "created_at"),
    "disputes": ("accounts_ledgerentry", "kind=dispute", "created_at"),
    "reinstated": ("accounts_ledgerentry", "kind=refund_or_dispute_undone", "created_at"),
    "outstanding": ("accounts_user", "balance=credit", ""),
    "debts": ("accounts_user", "balance=debt", ""),
    "bonuses_in_all": ("referrals_referral", "status__exact=completed", ""),
    "failed_events": ("payments_stripeevent", "outcome=failed", ""),
    "quarantined_events": ("payments_stripeevent", "outcome=quarantined", ""),
    "overdue_events": ("payments_stripeevent", "outcome=overdue", ""),
    "waiting_adjustments": ("accounts_adjustment", "status__exact=waiting", ""),
    "waiting_terms": ("referrals_program", "state=waiting", ""),
    "failed_jobs": ("procrastinate_procrastinatejob", "status__exact=failed", ""),
    "stalled_jobs": ("procrastinate_procrastinatejob", "status__exact=doing", ""),
    "jobs": ("procrastinate_procrastinatejob", "", ""),
    "ending_budgets": ("referrals_program", "state=in_force", ""),
}


def link(name: str, span: Span | None = None) -> str:
    """Return the address of the list of a number, for these days."""
    if span is None:
        return _address(name)
    return _address(name, span.first.isoformat(), span.last.isoformat())


def link_of_a_day(name: str) -> str:
    """Return the address of the list of one day, with `DAY` in the place of its date."""
    return _address(name, "DAY", "DAY")


def _address(name: str, first: str = "", last: str = "") -> str:
    model, filters, day_column = LISTS[name]
    days = f"{day_column}_from={first}&{day_column}_to={last}" if first and day_column else ""
    return reverse(f"admin:{model}_changelist") + "?" + "&".join(filter(None, (filters, days)))
