"""The parts of a person's page: each a short table, the latest first, with the way to the rest."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from accounts import api_keys, audit
from accounts.admin import actions, wording
from accounts.admin.audit_formatting import change
from accounts.models import Adjustment, ApiKey, AuditEntry, LedgerEntry, User
from accounts.money import dollars_of_cents, from_cents
from gatewayz.adminbase import status_badges
from gatewayz.adminbase.formatting import NOTHING, link, link_to, when
from payments.explanations.messages import DECISIONS, Audience
from payments.explanations.referees import LISTED_REFEREES, Referee, State, referees_of
from payments.models import Clawback, Payment

SHOWN = 10
REFEREES_SHOWN = 20
Rows = list[list[Any]]


@dataclass(frozen=True)
class Section:
    """A card with a table; `more` is the page that has all of it."""

    slug: str
    title: str
    headers: list[str]
    rows: Rows
    empty: str
    more: str = ""
    note: str = ""

    @property
    def table(self) -> dict[str, Any]:
        return {"headers": self.headers, "rows": self.rows}


STATEMENT_HEADERS = ["When", "What", "Amount", "Balance after", "In words", "From", "By"]


def entries_of(user: User) -> QuerySet[LedgerEntry]:
    """Return what a statement shows, the latest first."""
    return user.ledger_entries.select_related(*wording.TOLD_WITH).order_by("-number")


def statement_row(entry: LedgerEntry) -> list[Any]:
    """Return an entry as a line of a statement."""
    return [
        when(entry.created_at),
        wording.kind(entry),
        wording.money(entry.amount),
        wording.money(entry.balance_after),
        entry.description,
        wording.cause(entry),
        wording.poster(entry),
    ]


def statement(user: User) -> Section:
    """Return how the balance came to be."""
    return Section(
        slug="statement",
        title="Statement",
        headers=STATEMENT_HEADERS,
        rows=[statement_row(entry) for entry in entries_of(user)[:SHOWN]],
        empty="No entry yet: nothing was bought, given or taken.",
        more=reverse("admin:accounts_user_statement", args=[user.pk]),
    )


def purchases(user: User) -> Section:
    """Return what was bought, and what became of it."""
    latest = user.payments.order_by("-pk").prefetch_related("clawbacks")[:SHOWN]
    return Section(
        slug="purchases",
        title="Purchases",
        headers=["Purchase", "Amount", "Status", "Bonus", "Refunds and disputes", "When"],
        rows=[_purchase_row(payment) for payment in latest],
        empty="Nothing was bought yet.",
        more=_belonging("payments_payment", user),
    )


def _purchase_row(payment: Payment) -> list[Any]:
    decided = DECISIONS.get(payment.bonus_decision, payment.bonus_decision)
    return [
        link(payment),
        wording.money(from_cents(payment.amount)),
        status_badges.status_badge(payment),
        decided,
        _joined(map(_clawback, payment.clawbacks.all())) or NOTHING,
        when(payment.paid_at or payment.created_at),
    ]


def _clawback(clawback: Clawback) -> str:
    text = f"{clawback.kind} of {dollars_of_cents(clawback.amount)}"
    page = link(clawback, text)
    return format_html("{} {}", page, status_badges.status_badge(clawback))


def referrals(user: User) -> Section:
    """Return whom she invited and what became of each; who invited her stands at the top."""
    referees = referees_of(user, Audience.OPERATOR)
    uses = dict(user.referrals_made.values_list("referred_user", "pk"))
    return Section(
        slug="referrals",
        title="Invited by this person",
        headers=["Friend", "State", "In words", "Use of the code"],
        rows=[
            [
                link_to("accounts_user_change", referee.user_id, referee.username),
                status_badges.value_badge(referee.state),
                referee.sentence,
                _use(uses.get(referee.user_id)),
            ]
            for referee in referees[:REFEREES_SHOWN]
        ],
        empty="Nobody registered with this code yet.",
        more=f"{reverse('admin:accounts_user_changelist')}?referred_by_code={user.referral_code}",
        note=_counted(referees),
    )


def _use(referral_id: int | None) -> str:
    if referral_id is None:
        return NOTHING
    return link_to("referrals_referral_change", referral_id, f"referral {referral_id}")


def _counted(referees: Sequence[Referee]) -> str:
    """Return `2 completed · 1 pending`, in the order in which the states are explained."""
    states = Counter(referee.state for referee in referees)
    counted = " · ".join(
        f"{states[state]} {state.replace('_', ' ')}" for state in State if states[state]
    )
    is_all = len(referees) < LISTED_REFEREES
    return counted if is_all else f"of the newest {len(referees)}: {counted}"


def keys(user: User, latest: Iterable[ApiKey], *, now: datetime, may_manage: bool) -> Section:
    """Return the keys, never with more than tells them by."""
    headers = ["Key", "Name", "State", "Created", "Last used", "Ends"]
    return Section(
        slug="keys",
        title="API keys",
        headers=[*headers, "Do"] if may_manage else headers,
        rows=[_key_row(key, now=now, may_manage=may_manage) for key in latest],
        empty="No key was made yet.",
        more=_belonging("accounts_apikey", user),
    )


def _key_row(key: ApiKey, *, now: datetime, may_manage: bool) -> list[Any]:
    prefix = format_html('<span class="desk-code">{}…</span>', key.prefix)
    row = [
        link(key, prefix),
        key.name,
        status_badges.value_badge(api_keys.state(key, now=now)),
        when(key.created_at),
        when(key.last_used_at),
        when(key.revoked_at),
    ]
    return [*row, _doings(key, now=now)] if may_manage else row


def _doings(key: ApiKey, *, now: datetime) -> str:
    return _joined(
        link_to(f"accounts_apikey_{verb}", key.pk, f"{verb.capitalize()}…")
        for verb in actions.done_to(key, now=now)
    )


def adjustments(user: User, latest: Iterable[Adjustment]) -> Section:
    """Return what operators gave or took by hand, and what waits for a second person."""
    return Section(
        slug="adjustments",
        title="Adjustments",
        headers=["Adjustment", "Amount", "Status", "For", "Why", "By", "Second person", "When"],
        rows=[_adjustment_row(adjustment) for adjustment in latest],
        empty="Nobody ever adjusted this balance.",
        more=_belonging("accounts_adjustment", user),
    )


def _adjustment_row(adjustment: Adjustment) -> list[Any]:
    asked_by, decided_by = adjustment.requested_by, adjustment.decided_by
    return [
        link(adjustment, f"#{adjustment.pk}"),
        wording.money(adjustment.amount),
        status_badges.status_badge(adjustment),
        adjustment.get_category_display(),
        adjustment.reason,
        link(asked_by) if asked_by else adjustment.asked_by,
        link(decided_by),
        when(adjustment.requested_at),
    ]


def history(user: User, entries: Iterable[AuditEntry]) -> Section:
    """Return what operators did to the person and to what is hers."""
    of_person = f"target_type={user._meta.label_lower}&target_id={user.pk}"
    return Section(
        slug="history",
        title="History",
        headers=["When", "What", "To what", "Who", "Why", "Change"],
        rows=[_history_row(entry) for entry in entries],
        empty="No operator ever did anything here.",
        more=f"{reverse('admin:accounts_auditentry_changelist')}?{of_person}",
    )


def done_to(user: User, *others: Iterable[Any]) -> QuerySet[AuditEntry]:
    """Return what was done to the person and to these `others` that are hers."""
    targets = [user, *(target for group in others for target in group)]
    return audit.of(*targets).select_related("by")


def _history_row(entry: AuditEntry) -> list[Any]:
    return [
        when(entry.at),
        entry.action.capitalize(),
        entry.target_label,
        link(entry.by) if entry.by else entry.who,
        entry.reason,
        change(entry.before, entry.after),
    ]


def _belonging(model: str, user: User) -> str:
    return f"{reverse(f'admin:{model}_changelist')}?user={user.pk}"


def _joined(parts: Iterable[str]) -> str:
    return format_html_join("\n", '<span class="desk-part">{}</span>', ((part,) for part in parts))
