"""The frame of the operators' desk: its sidebar, grouped by what people do, and its stylesheet."""

import itertools
from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils.text import capfirst


@dataclass(frozen=True)
class Entry:
    """A link to a page; shown to those who have one of the permissions, or to all of the staff."""

    title: str
    icon: str  # of Material Symbols
    page: str  # the URL's name, within the admin
    permissions: tuple[str, ...] = ()
    query: str = ""

    def is_for(self, request: HttpRequest) -> bool:
        return not self.permissions or any(map(request.user.has_perm, self.permissions))

    def link(self) -> str:
        return reverse(f"admin:{self.page}") + self.query


GROUPS: dict[str, list[Entry]] = {
    "": [Entry("Overview", "monitoring", "index")],
    "People": [
        Entry("Users", "group", "accounts_user_changelist", ("accounts.view_user",)),
        Entry(
            "Ledger", "menu_book", "accounts_ledgerentry_changelist", ("accounts.view_ledgerentry",)
        ),
        Entry(
            "Ledger checks",
            "rule",
            "payments_ledgercheck_changelist",
            ("payments.view_ledgercheck",),
        ),
        Entry("API keys", "key", "accounts_apikey_changelist", ("accounts.view_apikey",)),
        Entry(
            "Adjustments",
            "tune",
            "accounts_adjustment_changelist",
            ("accounts.view_adjustment",),
        ),
    ],
    "Referrals": [
        Entry(
            "Leaderboard",
            "trophy",
            "referrals_leaderboardentry_changelist",
            ("referrals.view_leaderboardentry",),
        ),
        Entry(
            "Referrals",
            "diversity_1",
            "referrals_referral_changelist",
            ("referrals.view_referral",),
        ),
        Entry(
            "Review queue", "pan_tool", "referrals_referral_review", ("referrals.view_referral",)
        ),
        Entry(
            "Program terms", "gavel", "referrals_program_changelist", ("referrals.view_program",)
        ),
    ],
    "Stripe": [
        Entry("Payments", "payments", "payments_payment_changelist", ("payments.view_payment",)),
        Entry(
            "Refunds & disputes",
            "undo",
            "payments_clawback_changelist",
            ("payments.view_clawback",),
        ),
        Entry("Inbox", "inbox", "payments_stripeevent_changelist", ("payments.view_stripeevent",)),
    ],
    "Office": [
        Entry(
            "Audit log", "history", "accounts_auditentry_changelist", ("accounts.view_auditentry",)
        ),
        Entry("Staff groups", "badge", "auth_group_changelist", ("auth.view_group",)),
        Entry(
            "Locked log-ins", "lock", "axes_accessattempt_changelist", ("axes.view_accessattempt",)
        ),
        Entry(
            "Second factors",
            "smartphone",
            "otp_totp_totpdevice_changelist",
            ("otp_totp.view_totpdevice",),
        ),
        Entry(
            "Jobs",
            "schedule",
            "procrastinate_procrastinatejob_changelist",
            ("procrastinate.view_procrastinatejob",),
        ),
    ],
}


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
    """Return the link that is marked: of those above this page the nearest, and only that."""
    home = reverse("admin:index")
    links = [entry.link() for entries in GROUPS.values() for entry in entries]
    above = [link for link in links if path.startswith(link.partition("?")[0]) and link != home]
    return max(above, key=lambda link: len(link.partition("?")[0]), default=path)


def title_of(model: type[Model]) -> str:
    """Return what a list is called: as in the sidebar, so that it has one name."""
    page = f"{model._meta.app_label}_{model._meta.model_name}_changelist"
    titles = (entry.title for entries in GROUPS.values() for entry in entries if entry.page == page)
    return next(titles, capfirst(str(model._meta.verbose_name_plural)))


def place(request: HttpRequest) -> dict[str, Any]:
    """Return the page of the sidebar that this one belongs to; nothing if to none."""
    here = _here(request.path)
    for entry in itertools.chain.from_iterable(GROUPS.values()):
        if entry.link() == here and entry.page != "index":
            is_here = request.path == here.partition("?")[0]
            return {"title": entry.title, "link": here, "is_here": is_here}
    return {}


def stylesheet(request: HttpRequest) -> str:
    return static("operators/admin.css")
