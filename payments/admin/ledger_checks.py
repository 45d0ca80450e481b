"""The list of the ledger checks, and what each found."""

from django.contrib import admin

from gatewayz.adminbase.model_admin import Columns, ReadOnlyAdmin
from payments.models import LedgerCheck

column = Columns(LedgerCheck)


@admin.register(LedgerCheck)
class LedgerCheckAdmin(ReadOnlyAdmin):
    has_history = False
    list_display = ("checked_at", "outcome", "breaches", "detail")

    outcome = column(
        "Outcome",
        lambda check: "broken" if check.breaches else "holds",
        label={"holds": "success", "broken": "danger"},
    )
