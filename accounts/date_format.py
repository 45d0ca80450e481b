"""Formats dates and times for people; all times are UTC."""

from datetime import datetime


def moment(at: datetime) -> str:
    """Return `22 Nov 2026, 17:30`."""
    return f"{day(at)}, {at:%H:%M}"


def day(at: datetime) -> str:
    """Return `22 Nov 2026`."""
    return f"{at:%-d %b %Y}"
