"""Decides whether two e-mail addresses deliver to the same mailbox (CONTRACT 2.10)."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

MAX_LENGTH = 320


@dataclass(frozen=True)
class Provider:
    """What one provider documents of its addresses; the first of its `domains` stands for all.

    Everywhere a plus and what follows it is a tag.
    """

    domains: tuple[str, ...]
    source: str
    ignored: str = ""  # characters that count for nothing before the @
    replaced: str = ""  # characters that count as a hyphen there
    tag: Literal["", "-"] = ""  # what begins a tag besides the plus
    has_subdomains: bool = False  # any@alice.DOMAIN is alice@DOMAIN


# Domains on which a provider gives one name to different people are not among these, nor is a rule
# that it does not state: those of Outlook (outlook.com, hotmail.com, live.com, msn.com) are such
# domains (support.microsoft.com/help/12407: no address of another account becomes an alias), with
# tags after a plus alone (support.microsoft.com, "Add or remove an email alias"). Of Zoho, GMX and
# Mail.ru we found no page with more.
PROVIDERS = (
    Provider(
        ("gmail.com", "googlemail.com"),
        source="support.google.com/mail/answer/7436150, answer/10313",
        ignored=".",
    ),
    Provider(
        ("proton.me", "protonmail.com", "protonmail.ch", "pm.me"),
        # Of dots, hyphens and underscores only the support's answers speak, quoted in
        # sindastra.de/p/1775.
        source="proton.me/support/addresses-and-aliases",
        ignored=".-_",
    ),
    Provider(
        ("icloud.com", "me.com", "mac.com"),
        source="support.apple.com/118230",
    ),
    Provider(
        (
            *("yandex.com", "yandex.ru", "ya.ru", "narod.ru", "yandex.by", "yandex.kz"),
            *("yandex.ua", "yandex.az", "yandex.com.am", "yandex.com.ge", "yandex.com.tr"),
            *("yandex.co.il", "yandex.ee", "yandex.fr", "yandex.kg", "yandex.lt", "yandex.lv"),
            *("yandex.md", "yandex.tj", "yandex.tm", "yandex.uz"),
        ),
        # "Addresses using your username on all Yandex domains are linked to you when you register."
        # No page that we could read says that a dot counts as a hyphen in a username.
        source="yandex.com/support/id/authorization/email.html",
        replaced=".",
    ),
    *(
        Provider(
            (domain,),
            source="www.fastmail.help/hc/en-us/articles/360060591053",
            has_subdomains=True,
        )
        for domain in ("fastmail.com", "fastmail.fm", "fastmail.net", "fastmail.org", "sent.com")
    ),
    *(
        # A disposable address is a base name, which is one person's, a hyphen and a keyword. Few
        # other names have a hyphen, all of them old.
        Provider((domain,), source="help.yahoo.com/kb/SLN3523.html", tag="-")
        for domain in (
            *("yahoo.com", "ymail.com", "rocketmail.com", "myyahoo.com", "yahoo.co.uk", "yahoo.de"),
            *("yahoo.fr", "yahoo.it", "yahoo.es", "yahoo.ca", "yahoo.co.in", "yahoo.in"),
            *("yahoo.com.br", "yahoo.com.ar", "yahoo.com.mx", "yahoo.com.au", "yahoo.co.id"),
        )
    ),
)
_BY_DOMAIN = {domain: provider for provider in PROVIDERS for domain in provider.domains}
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def fold(email: str) -> str:
    """Return the address as one of its mailbox's spellings.

    Use the result only to compare: mail to it may not be delivered.
    """
    # NFKC first: it turns look-alikes such as full-width letters into ASCII before the case folds.
    name, _, domain = unicodedata.normalize("NFKC", email.strip()).casefold().rpartition("@")
    name, domain = _unquoted(name), _ascii(domain)
    owner, _, parent = domain.partition(".")
    if parent in _BY_DOMAIN and _BY_DOMAIN[parent].has_subdomains:
        name, domain = owner, parent
    name = name.partition("+")[0]
    provider = _BY_DOMAIN.get(domain)
    if provider is None:
        return f"{name}@{domain}"
    if provider.tag:
        name = name.partition(provider.tag)[0]
    for character in provider.ignored:
        name = name.replace(character, "")
    for character in provider.replaced:
        name = name.replace(character, "-")
    return f"{name}@{provider.domains[0]}"


def is_same(one: str, other: str) -> bool:
    return fold(one) == fold(other)


def _unquoted(name: str) -> str:
    """Return what a quoted name means: quotes and backslashes are only a way to write it."""
    is_quoted = len(name) > 1 and name.startswith('"') and name.endswith('"')
    return _ESCAPED.sub(r"\1", name[1:-1]) if is_quoted else name


def _ascii(domain: str) -> str:
    """Return the domain as the name servers know it: an international one in punycode."""
    domain = domain.removesuffix(".")
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return domain
