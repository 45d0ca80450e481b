"""Checks the ledger and keeps how that ended, for operators to see without asking again."""

from datetime import datetime

from payments.report_models import LedgerCheck
from payments.reports.invariants import Breach, breaches

_SHOWN = 20


def run(*, now: datetime) -> list[Breach]:
    """Check every invariant of money, keep the result, and return what breaks one."""
    found = breaches()
    lines = [f"{breach.subject}: {breach.detail} ({breach.invariant})" for breach in found]
    detail = "\n".join(lines[:_SHOWN])
    LedgerCheck.objects.create(checked_at=now, breaches=len(found), detail=detail)
    return found


def latest() -> LedgerCheck | None:
    """Return how the last check ended; None when the ledger was never checked."""
    return LedgerCheck.objects.order_by("-checked_at", "-pk").first()
