"""The sections of a person's page: short tables, latest first, with links to the full lists."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import label_for_field, lookup_field
from django.db.models import Model, QuerySet
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from accounts.admin import entry_formatting
from accounts.admin.audit_pages import history_of
from accounts.admin.keys import possible_actions
from accounts.models import ApiKey, User
from accounts.money import dollars_of_cents
from gatewayz.adminbase import status_badges
from gatewayz.adminbase.formatting import NOTHING, link, link_to, when
from payments.explanations.messages import DECISIONS, Audience
from payments.explanations.referees import LISTED_REFEREES, Referee, State, referees_of
from payments.models import Clawback, Payment

SHOWN = 10
REFEREES_SHOWN = 20
# The name of a column in the admin or the model; or its heading here, and a name or function.
Column = str | tuple[str, str | Callable[[Any], Any]]


@dataclass(frozen=True, kw_only=True)
class Section:
    """A card with a table; `more` is the page that has all of it."""

    slug: str
    title: str
    headers: list[str]
    rows: list[list[Any]]
    empty: str
    more: str
    note: str = ""


def _section(rows: QuerySet[Any], columns: Iterable[Column], *, of: str, **texts: str) -> Section:
    """Return the latest rows as the admin of their model shows them; `of` filters its list."""
    model, page = rows.model, admin.site.get_model_admin(rows.model)
    pairs = [
        one if isinstance(one, tuple) else (str(label_for_field(one, model, page)), one)
        for one in columns
    ]

    def cells(row: Model) -> list[Any]:
        first, *others = (lookup_field(column, row, page)[2] for _, column in pairs)
        return [link(row, first), *others]

    name = model._meta.label_lower.replace(".", "_")
    return Section(
        headers=[heading for heading, _ in pairs],
        rows=[cells(row) for row in rows],
        more=f"{reverse(f'admin:{name}_changelist')}?{of}",
        **texts,
    )


def statement(user: User) -> Section:
    """Return the latest entries of the ledger."""
    entries = entry_formatting.with_other_side(user.ledger_entries.order_by("-number"))
    entries = entries.select_related(*entry_formatting.RELATED)
    return _section(
        entries[:SHOWN],
        [("When", "posted"), "sort", "moved", "balance", "description", "origin", "by"],
        of=f"user={user.pk}",
        slug="statement",
        title="Statement",
        empty="No entry yet: nothing was bought, given or taken.",
    )


def purchases(user: User) -> Section:
    """Return the latest purchases, with their refunds and disputes."""
    return _section(
        user.payments.order_by("-pk").prefetch_related("clawbacks")[:SHOWN],
        [
            ("Purchase", str),
            "price",
            "state",
            ("Bonus", lambda row: DECISIONS.get(row.bonus_decision, row.bonus_decision)),
            ("Refunds and disputes", _clawbacks),
            ("When", lambda row: when(row.paid_at or row.created_at)),
        ],
        of=f"user={user.pk}",
        slug="purchases",
        title="Purchases",
        empty="Nothing was bought yet.",
    )


def _clawbacks(payment: Payment) -> str:
    return _joined(map(_clawback, payment.clawbacks.all())) or NOTHING


def _clawback(clawback: Clawback) -> str:
    text = f"{clawback.kind} of {dollars_of_cents(clawback.amount)}"
    page = link(clawback, text)
    return format_html("{} {}", page, status_badges.status_badge(clawback))


def referrals(user: User, *, is_used_up: bool, now: datetime) -> Section:
    """Return whom the person invited, and what became of each."""
    referees = referees_of(user, Audience.OPERATOR, now=now)
    uses = {
        use.referred_user_id: link(use, f"referral {use.pk}") for use in user.referrals_made.all()
    }
    return Section(
        slug="referrals",
        title="Invited by this person",
        headers=["Friend", "State", "Description", "Use of the code"],
        rows=[
            [
                link_to("accounts_user_change", referee.user_id, referee.username),
                status_badges.word_badge(referee.state),
                referee.sentence,
                uses.get(referee.user_id, NOTHING),
            ]
            for referee in referees[:REFEREES_SHOWN]
        ],
        empty="Nobody registered with this code yet.",
        more=f"{reverse('admin:accounts_user_changelist')}?referred_by_code={user.referral_code}",
        note=_counted(referees, is_used_up=is_used_up),
    )


def _counted(referees: Sequence[Referee], *, is_used_up: bool) -> str:
    """Return `2 completed · 1 pending`, in the order in which the states are explained."""
    states = Counter(referee.state for referee in referees)
    words = {state: state.replace("_", " ") for state in State}
    if is_used_up:
        words[State.PENDING] = "too late: code used up"
    counted = " · ".join(f"{states[state]} {words[state]}" for state in State if states[state])
    is_all = len(referees) < LISTED_REFEREES
    return counted if is_all else f"of the newest {len(referees)}: {counted}"


def keys(user: User, *, now: datetime, may_manage: bool) -> Section:
    """Return the keys, each with its prefix only."""
    columns: list[Column] = ["shown_prefix", "name", "state", "created", "last_used", "ends"]
    if may_manage:
        columns.append(("Actions", lambda key: _actions(key, now=now)))
    return _section(
        user.api_keys.order_by("-pk")[:SHOWN],
        columns,
        of=f"user={user.pk}",
        slug="keys",
        title="API keys",
        empty="No key was made yet.",
    )


def _actions(key: ApiKey, *, now: datetime) -> str:
    return _joined(
        link_to(f"accounts_apikey_{verb}", key.pk, f"{verb.capitalize()}…")
        for verb in possible_actions(key, now=now)
    )


def adjustments(user: User) -> Section:
    """Return the latest adjustments, including those that wait for approval."""
    category = ("For", "get_category_display")
    why, asked = ("Why", "reason"), ("When", "asked")
    latest = user.adjustments.select_related("requested_by", "decided_by").order_by("-pk")
    return _section(
        latest[:SHOWN],
        ["shown", "money", "status_now", category, why, "asked_by", "second", asked],
        of=f"user={user.pk}",
        slug="adjustments",
        title="Adjustments",
        empty="This balance was never adjusted.",
    )


def history(user: User) -> Section:
    """Return what operators did to the person and to what belongs to them."""
    return _section(
        history_of(user).select_related("by")[:SHOWN],
        ["when", "what", ("To what", "target_label"), "who", ("Why", "reason"), "change"],
        of=f"q=%23{user.pk}",
        slug="history",
        title="History",
        empty="No operator has done anything here.",
    )


def _joined(parts: Iterable[str]) -> str:
    return format_html_join("\n", '<span class="desk-part">{}</span>', ((part,) for part in parts))
