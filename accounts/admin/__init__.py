"""The desk's pages for people, their money and what operators did; importing it registers them."""

from accounts.admin import adjustment_pages, audit_pages, keys, ledger, people

__all__ = ["adjustment_pages", "audit_pages", "keys", "ledger", "people"]
