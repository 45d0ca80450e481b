"""The admin pages about Stripe: payments, refunds and disputes, the inbox of events, the month."""

from payments.admin import clawbacks, inbox, ledger_checks, month, payments

__all__ = ["clawbacks", "inbox", "ledger_checks", "month", "payments"]
