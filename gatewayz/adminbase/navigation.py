"""The sidebar of the admin, grouped by what people do."""

import itertools
from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import capfirst


@dataclass(frozen=True)
class Entry:
    """A link to a page of a model; shown to those who may view its rows."""

    title: str
    icon: str  # of Material Symbols
    model: str = ""  # as `accounts.user`; empty for the dashboard
    name: str = "changelist"  # of the page, as its URL has it

    @property
    def page(self) -> str:
        """Return the URL's name, within the admin."""
        return f"{self.model.replace('.', '_')}_{self.name}" if self.model else "index"

    def is_for(self, request: HttpRequest) -> bool:
        return not self.model or request.user.has_perm(self.model.replace(".", ".view_"))

    def link(self) -> str:
        return reverse(f"admin:{self.page}")


GROUPS: dict[str, list[Entry]] = {
    "": [Entry("Overview", "monitoring")],
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
        Entry("Audit log", "history", "accounts.auditentry"),
        Entry("Staff groups", "badge", "auth.group"),
        Entry("Locked log-ins", "lock", "axes.accessattempt"),
        Entry("Second factors", "smartphone", "otp_totp.totpdevice"),
        Entry("Jobs", "schedule", "procrastinate.procrastinatejob"),
    ],
}

_ENTRIES = list(itertools.chain.from_iterable(GROUPS.values()))


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups as unfold takes them, with what this operator may open."""
    here = _here(request.path)
    return [
        {"title": title, "separator": bool(title), "items": items}
        for title, entries in GROUPS.items()
        if (items := [_item(entry, here) for entry in entries if entry.is_for(request)])
    ]


def _item(entry: Entry, here: str) -> dict[str, Any]:
    link = entry.link()
    return {"title": entry.title, "icon": entry.icon, "link": link, "active": link == here}


def _here(path: str) -> str:
    """Return the one link of the sidebar that is marked: the longest that this path begins with."""
    home = reverse("admin:index")
    links = [entry.link() for entry in _ENTRIES]
    above = [link for link in links if path.startswith(link) and link != home]
    return max(above, key=len, default=path)


def title_of(model: type[Model]) -> str:
    """Return the title of a list, which is the one that the sidebar has."""
    label = model._meta.label_lower
    titles = (each.title for each in _ENTRIES if (each.model, each.name) == (label, "changelist"))
    return next(titles, capfirst(str(model._meta.verbose_name_plural)))


def place(request: HttpRequest) -> dict[str, Any]:
    """Return the page of the sidebar that this one belongs to; nothing if to none."""
    here = _here(request.path)
    for entry in _ENTRIES:
        if entry.link() == here and entry.page != "index":
            return {"title": entry.title, "link": here, "is_here": request.path == here}
    return {}
