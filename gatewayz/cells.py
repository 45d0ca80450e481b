"""What a cell on the desk shows, whatever page it is on: links, badges, moments."""

from datetime import datetime

from django.db.models import Model
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html

NOTHING = "–"


def page_of(target: Model) -> str:
    """Return the address of the desk's page of `target`."""
    opts = target._meta
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[target.pk])


def link(target: Model | None, text: str = "") -> str:
    """Return a link to the desk's page of `target`."""
    if target is None:
        return NOTHING
    return format_html(
        '<a class="desk-link" href="{}">{}</a>', page_of(target), text or str(target)
    )


def badge(text: str, colour: str = "default") -> str:
    """Return a badge as the lists have them, for a table of our own."""
    return render_to_string("unfold/helpers/label.html", {"text": text, "type": colour})


def moment(at: datetime | None) -> str:
    """Return `22 Nov 2026, 17:30`, in UTC."""
    return f"{at:%-d %b %Y, %H:%M}" if at else NOTHING
