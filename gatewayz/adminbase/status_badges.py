"""The colour of each status, which is the same on every page; each app hands over its own."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from gatewayz.adminbase.formatting import badge

_COLOURS: dict[type[Enum], Mapping[str, str]] = {}


def register(statuses: type[Enum], colours: Mapping[str, str]) -> Mapping[str, str]:
    """Take the colour of each value of `statuses`, and return them as `display(label=…)` does.

    Raises ValueError where a value has no colour.
    """
    if missing := {member.value for member in statuses} - set(colours):
        raise ValueError(f"{statuses.__qualname__} has no colour for {', '.join(sorted(missing))}")
    _COLOURS[statuses] = colours
    return colours


def colour(value: Any) -> str:
    """Return the colour of a member of a registered enum."""
    return _COLOURS[type(value)][value.value]


def value_badge(value: Any) -> str:
    """Return a member of a registered enum as a badge."""
    return badge(str(value.value).replace("_", " "), colour(value))


def status_badge(row: Any) -> str:
    """Return the `status` of a row as a badge."""
    return badge(row.get_status_display(), _COLOURS[type(row).Status][row.status])
