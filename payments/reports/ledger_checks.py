"""Checks the ledger and stores the result, so that the admin can show it without a new check."""

from datetime import datetime

from accounts import ledger_seals, report_database
from payments.report_models import LedgerCheck
from payments.reports.invariants import Breach, breaches

_SHOWN = 20
SEALED = "a sealed entry stays as it was"


def run(*, now: datetime) -> list[Breach]:
    """Check every invariant of money and every seal, store the result, and return the breaches."""
    found = report_database.read(lambda: breaches() + broken_seals())
    detail = "\n".join(map(str, found[:_SHOWN]))
    LedgerCheck.objects.create(checked_at=now, breaches=len(found), detail=detail)
    return found


def broken_seals() -> list[Breach]:
    return [Breach(SEALED, f"seal {seal_id}", detail) for seal_id, detail in ledger_seals.broken()]


def latest() -> LedgerCheck | None:
    """Return the result of the last check; None if there was none."""
    return LedgerCheck.objects.order_by("-checked_at", "-pk").first()
