"""The desk's list of the checks of the ledger, and what each found."""

from django.contrib import admin

from gatewayz.adminbase.model_admin import ReadOnlyAdmin, display
from payments.models import LedgerCheck


@admin.register(LedgerCheck)
class LedgerCheckAdmin(ReadOnlyAdmin):
    has_history = False
    list_display = ("checked_at", "outcome", "breaches", "detail")

    @display(description="Outcome", label={"holds": "success", "broken": "danger"})
    def outcome(self, check: LedgerCheck) -> str:
        return "broken" if check.breaches else "holds"
