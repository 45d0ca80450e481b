"""The admin pages of people, their money and the audit log; importing it registers them."""

from accounts.admin import adjustment_pages, audit_pages, keys, ledger, people

__all__ = ["adjustment_pages", "audit_pages", "keys", "ledger", "people"]
