"""What a cell on the desk shows, whatever page it is on: links, badges, points in time."""

from datetime import datetime

from django.db.models import Model
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html

# A mark of its own, by which the lists leave the cell out on a phone.
NOTHING = format_html('<span class="desk-nothing">{}</span>', "–")


def page_of(target: Model) -> str:
    """Return the address of the desk's page of `target`."""
    opts = target._meta
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[target.pk])


def link(target: Model | None, text: str = "") -> str:
    """Return a link to the desk's page of `target`."""
    if target is None:
        return NOTHING
    return _link(page_of(target), text or str(target))


def link_to(page: str, pk: int, text: object) -> str:
    """Return a link to a page of the desk, named as in `reverse`, about a row known by its id."""
    return _link(reverse(f"admin:{page}", args=[pk]), text)


def _link(address: str, text: object) -> str:
    return format_html('<a class="desk-link" href="{}">{}</a>', address, text)


def badge(text: str, colour: str = "default", icon: str = "") -> str:
    """Return a badge as the lists have them, for a table of our own."""
    label = {"text": text, "type": colour, "icon": icon}
    return render_to_string("unfold/helpers/label.html", label)


def moment(at: datetime | None) -> str:
    """Return `22 Nov 2026, 17:30`, in UTC."""
    return date_format(at, "DATETIME_FORMAT") if at else NOTHING


def when(at: datetime | None) -> str:
    """Return the moment in one line, however narrow the column is."""
    return whole(moment(at)) if at else NOTHING


def day(at: datetime) -> str:
    """Return `22 Nov 2026` in one line."""
    return whole(date_format(at, "DATE_FORMAT"))


def whole(text: str) -> str:
    """Return the text in one line, however narrow the column is."""
    return format_html('<span class="desk-whole">{}</span>', text)
