"""The charts of the dashboard: a bar for each day, which leads to the list of that day."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from gatewayz.operators.dashboard_links import link_of_a_day
from payments.reports.daily import Day

_PRIMARY, _GREY = "var(--color-primary-600)", "#9ca3af"


@dataclass(frozen=True)
class Series:
    """Bars of one color: their height on each day, and the name of their list."""

    label: str
    colour: str
    height: Callable[[Day], float]
    figure: str


def charts(days: Sequence[Day]) -> Iterable[dict[str, Any]]:
    """Return what the page draws of these days."""
    yield _chart(
        "Sign-ups",
        days,
        Series("by a code", _PRIMARY, lambda day: day.invited_signups, "invited_signups"),
        Series(
            "by themselves", _GREY, lambda day: day.signups - day.invited_signups, "own_signups"
        ),
    )
    yield _chart(
        "First qualifying purchases",
        days,
        Series("people", "#0d9488", lambda day: day.first_purchases, "first_purchases"),
    )
    yield _chart(
        "Bonuses, $",
        days,
        Series("paid", "#16a34a", lambda day: float(day.bonuses), "bonuses"),
        Series("taken back", "#f59e0b", lambda day: -float(day.bonuses_taken), "bonuses_taken"),
    )
    yield _chart(
        "Refunds & disputes, $",
        days,
        Series("refunded", "#f97316", lambda day: float(day.refunds), "refunds"),
        Series("disputed", "#dc2626", lambda day: float(day.disputes), "disputes"),
        Series("given again", "#16a34a", lambda day: -float(day.reinstated), "reinstated"),
    )


def _chart(title: str, days: Sequence[Day], *series: Series) -> dict[str, Any]:
    """Return a chart of stacked bars, one a day."""
    sets = [
        {
            "label": each.label,
            "backgroundColor": each.colour,
            "data": [each.height(day) for day in days],
        }
        for each in series
    ]
    labels = [f"{day.day.day} {day.day:%b}" for day in days]
    return {
        "title": title,
        "is_empty": not any(any(each["data"]) for each in sets),
        "data": json.dumps({"labels": labels, "datasets": sets}),
        "options": _OPTIONS,
        "table": {
            "headers": ["Day", *(each.label.capitalize() for each in series)],
            "rows": [
                [label, *(f"{each.height(day):g}" for each in series)]
                for label, day in zip(labels, days, strict=True)
            ],
        },
        "links": json.dumps([link_of_a_day(each.figure) for each in series]),
        "days": json.dumps([day.day.isoformat() for day in days]),
    }


_OPTIONS = json.dumps(
    {
        "animation": False,
        "maintainAspectRatio": False,
        "barPercentage": 0.9,
        "categoryPercentage": 0.9,
        "interaction": {"mode": "index", "intersect": False},
        "plugins": {
            "legend": {
                "display": True,
                "align": "end",
                "labels": {"boxWidth": 10, "boxHeight": 10, "color": _GREY},
            }
        },
        "scales": {
            "x": {
                "stacked": True,
                "grid": {"display": False},
                "ticks": {"maxTicksLimit": 8, "maxRotation": 0, "color": _GREY},
            },
            "y": {
                "stacked": True,
                "border": {"display": False},
                "grid": {"color": "#e5e7eb"},
                "ticks": {"maxTicksLimit": 5, "precision": 0, "color": _GREY},
            },
        },
    }
)
