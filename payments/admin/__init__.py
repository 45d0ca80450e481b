"""The desk's pages about Stripe: payments, refunds and disputes, and the inbox of events."""

from payments.admin import clawbacks, inbox, payments

__all__ = ["clawbacks", "inbox", "payments"]
