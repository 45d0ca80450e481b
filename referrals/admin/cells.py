"""What the desk's pages of referrals show in a cell: badges, links and moments."""

from datetime import datetime

from django.db.models import Model
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html

from referrals.models import Referral

STATUS_COLOURS = {
    Referral.Status.COMPLETED.value: "success",
    Referral.Status.HELD.value: "warning",
    Referral.Status.REVERSED.value: "danger",
    Referral.Status.VOIDED.value: "info",
}


def page_of(target: Model) -> str:
    """Return the address of the desk's page of `target`."""
    opts = target._meta
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[target.pk])


def link(target: Model, text: str) -> str:
    return format_html('<a class="desk-link" href="{}">{}</a>', page_of(target), text)


def badge(text: str, colour: str = "default") -> str:
    """Return a badge as the lists have them."""
    return render_to_string("unfold/helpers/label.html", {"text": text, "type": colour})


def status(referral: Referral) -> str:
    return badge(referral.get_status_display(), STATUS_COLOURS[referral.status])


def moment(at: datetime) -> str:
    """Return `22 Nov 2026, 17:30`, in UTC."""
    return f"{at:%-d %b %Y, %H:%M}"
