"""The desk's pages for people, their keys and the ledger; importing it registers them."""

from accounts.admin import keys, ledger, people

__all__ = ["keys", "ledger", "people"]
