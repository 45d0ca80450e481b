"""The admin pages about Stripe: payments, refunds and disputes, and the inbox of events."""

from payments.admin import clawbacks, inbox, ledger_checks, payments

__all__ = ["clawbacks", "inbox", "ledger_checks", "payments"]
