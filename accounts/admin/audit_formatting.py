"""Formats what the audit log keeps for people: names, dollars, dates, yes and no."""

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.html import format_html_join

from accounts import date_format
from accounts.money import dollars
from gatewayz.adminbase.formatting import NOTHING

_LABELS = {
    "is_active": "active",
    "is_staff": "staff",
    "is_superuser": "superuser",
    "revoked_at": "works until",
    "referrer_bonus": "referrer's bonus",
    "referee_bonus": "friend's bonus",
    "max_uses": "uses of one code",
    "starts_at": "from",
}
_MONEY = {"amount", "balance", "budget", "minimum_purchase", "referee_bonus", "referrer_bonus"}
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*", re.ASCII)
# An identifier of the program, as statuses and decisions are kept.
_WORD = re.compile(r"[a-z]+(_[a-z]+)+", re.ASCII)


def label_of(name: str) -> str:
    """Return the label of a field: `friend's bonus` for `referee_bonus`."""
    return _LABELS.get(name, name.replace("_", " "))


def describe(name: str, value: Any) -> str:
    """Return a value for people: `$10.00`, `22 Nov 2026, 17:30`, `yes`; empty for none."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value in (None, "", [], {}):
        return ""
    if name in _MONEY:
        return _money(str(value))
    return _text(value)


def _money(amount: str) -> str:
    try:
        return dollars(Decimal(amount))
    except InvalidOperation:
        return amount


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, dict):
        return ", ".join(f"{label_of(name)} {describe(name, one)}" for name, one in value.items())
    text = str(value)
    if _MOMENT.fullmatch(text):
        return date_format.moment(datetime.fromisoformat(text))
    return text.replace("_", " ") if _WORD.fullmatch(text) else text


def change(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Return `active: yes → no`, a line for each thing that changed."""
    changes = (
        (
            label_of(name),
            *(describe(name, at.get(name)) or NOTHING for at in (before, after)),
        )
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name)
    )
    return (
        format_html_join("\n", '<span class="desk-change">{}: {} → {}</span>', changes) or NOTHING
    )
