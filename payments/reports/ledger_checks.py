"""Checks the ledger and stores the result, so that the admin can show it without a new check."""

from datetime import datetime

from payments.report_models import LedgerCheck
from payments.reports.invariants import Breach, breaches

_SHOWN = 20


def run(*, now: datetime) -> list[Breach]:
    """Check every invariant of money, store the result, and return the breaches."""
    found = breaches()
    detail = "\n".join(map(str, found[:_SHOWN]))
    LedgerCheck.objects.create(checked_at=now, breaches=len(found), detail=detail)
    return found


def latest() -> LedgerCheck | None:
    """Return the result of the last check; None if there was none."""
    return LedgerCheck.objects.order_by("-checked_at", "-pk").first()
