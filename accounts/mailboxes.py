"""Tells whether two e-mail addresses end up in one mailbox (CONTRACT 2.10)."""

import unicodedata

# Providers that deliver `j.doe` and `jdoe` to the same person.
_DOTS_MEAN_NOTHING = {"gmail.com", "googlemail.com"}
# Other names of one provider.
_SAME_PROVIDER = {"googlemail.com": "gmail.com"}


def fold(email: str) -> str:
    """Return the mailbox behind an address: without case, plus tag and meaningless dots.

    For comparing only: nobody can be written to at what comes back.
    """
    name, _, domain = unicodedata.normalize("NFKC", email.strip()).casefold().rpartition("@")
    name = name.partition("+")[0]
    if domain in _DOTS_MEAN_NOTHING:
        name = name.replace(".", "")
    return f"{name}@{_SAME_PROVIDER.get(domain, domain)}"


def is_same(one: str, other: str) -> bool:
    return fold(one) == fold(other)
