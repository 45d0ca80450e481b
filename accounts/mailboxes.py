"""Decides whether two e-mail addresses deliver to the same mailbox (CONTRACT 2.10)."""

import unicodedata

# Gmail ignores dots: `j.doe` and `jdoe` are the same mailbox there, and different ones elsewhere.
_PROVIDERS_IGNORING_DOTS = {"gmail.com", "googlemail.com"}
_PROVIDER_ALIASES = {"googlemail.com": "gmail.com"}


def fold(email: str) -> str:
    """Return the address without case, plus tag and ignored dots.

    Use the result only to compare: mail to it may not be delivered.
    """
    # NFKC first: it turns look-alikes such as full-width letters into ASCII before the case folds.
    name, _, domain = unicodedata.normalize("NFKC", email.strip()).casefold().rpartition("@")
    name = name.partition("+")[0]
    if domain in _PROVIDERS_IGNORING_DOTS:
        name = name.replace(".", "")
    return f"{name}@{_PROVIDER_ALIASES.get(domain, domain)}"


def is_same(one: str, other: str) -> bool:
    return fold(one) == fold(other)
