"""The sidebar of the admin, grouped by what people do."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import Any

from django.db.models import Model
from django.http import HttpRequest
from django.urls import get_script_prefix, reverse
from django.utils.text import capfirst


@dataclass(frozen=True)
class Entry:
    """A link to a page of a model; shown to those who may view its rows."""

    title: str
    icon: str  # of Material Symbols
    model: str = ""  # as `accounts.user`; empty for the dashboard
    name: str = "changelist"  # of the page, as its URL has it
    query: str = ""

    @property
    def page(self) -> str:
        """Return the URL's name, within the admin."""
        return f"{self.model.replace('.', '_')}_{self.name}" if self.model else "index"

    def is_for(self, request: HttpRequest) -> bool:
        return not self.model or request.user.has_perm(self.model.replace(".", ".view_"))

    def link(self) -> str:
        return _links(get_script_prefix())[self]


GROUPS: dict[str, list[Entry]] = {
    "": [
        Entry("Overview", "monitoring"),
        Entry("Month", "calendar_month", "payments.dailytotals"),
    ],
    "People": [
        Entry("Users", "group", "accounts.user"),
        Entry("Ledger", "menu_book", "accounts.ledgerentry"),
        Entry("Ledger checks", "rule", "payments.ledgercheck"),
        Entry("API keys", "key", "accounts.apikey"),
        Entry("Adjustments", "tune", "accounts.adjustment"),
    ],
    "Referrals": [
        Entry("Leaderboard", "trophy", "referrals.leaderboardentry"),
        Entry("Referrals", "diversity_1", "referrals.referral"),
        Entry("Review queue", "pan_tool", "referrals.referral", "review"),
        Entry("Program terms", "gavel", "referrals.program"),
    ],
    "Stripe": [
        Entry("Payments", "payments", "payments.payment"),
        Entry("Refunds & disputes", "undo", "payments.clawback"),
        Entry("Inbox", "inbox", "payments.stripeevent"),
    ],
    "Staff": [
        Entry("Colleagues", "support_agent", "accounts.user", query="?is_staff__exact=1"),
        Entry("Audit log", "history", "accounts.auditentry"),
        Entry("Staff groups", "badge", "auth.group"),
        Entry("Locked log-ins", "lock", "axes.accessattempt"),
        Entry("Second factors", "smartphone", "otp_totp.totpdevice"),
        Entry("Jobs", "schedule", "procrastinate.procrastinatejob"),
    ],
}

_ENTRIES = list(itertools.chain.from_iterable(GROUPS.values()))


@cache
def _links(prefix: str) -> Mapping[Entry, str]:
    """Return the links below the prefix. A page needs each three times, and they never change."""
    return {entry: reverse(f"admin:{entry.page}") + entry.query for entry in _ENTRIES}


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups as unfold takes them, with what this operator may open."""
    here = _here(request.path)
    return [
        {"title": title, "separator": bool(title), "items": items}
        for title, entries in GROUPS.items()
        if (items := [_item(entry, entry is here) for entry in entries if entry.is_for(request)])
    ]


def _item(entry: Entry, is_here: bool) -> dict[str, Any]:
    return {"title": entry.title, "icon": entry.icon, "link": entry.link(), "active": is_here}


def _here(path: str) -> Entry | None:
    """Return the one entry that is marked: that with the longest link that the path begins with."""
    links = [(entry.link(), entry) for entry in _ENTRIES]
    above = [
        (len(link), entry)
        for link, entry in links
        if path == link or (entry.model and path.startswith(link))
    ]
    return max(above, key=itemgetter(0), default=(0, None))[1]


def title_of(model: type[Model]) -> str:
    """Return the title of a list, which is the one that the sidebar has."""
    label = model._meta.label_lower
    titles = (each.title for each in _ENTRIES if (each.model, each.name) == (label, "changelist"))
    return next(titles, capfirst(str(model._meta.verbose_name_plural)))


def place(request: HttpRequest) -> dict[str, Any]:
    """Return the page of the sidebar that this one belongs to; nothing if to none."""
    here = _here(request.path)
    if here is None or not here.model:
        return {}
    return {"title": here.title, "link": here.link(), "is_here": request.path == here.link()}
