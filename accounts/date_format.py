"""Formats dates and times for people, as `gatewayz/formats` says; all times are UTC."""

from datetime import datetime

from django.utils import formats


def moment(at: datetime) -> str:
    """Return `22 Nov 2026, 17:30`."""
    return formats.date_format(at, "DATETIME_FORMAT")


def day(at: datetime) -> str:
    """Return `22 Nov 2026`."""
    return formats.date_format(at, "DATE_FORMAT")
