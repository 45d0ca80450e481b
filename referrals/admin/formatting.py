"""Formats people for the admin pages of referrals."""

from django.utils.html import format_html

from accounts.models import User
from gatewayz.adminbase.formatting import link


def address(email: str) -> str:
    """Return an e-mail address that breaks before its @ where it does not fit."""
    name, _, host = email.rpartition("@")
    return format_html('<span class="desk-address">{}<wbr>@{}</span>', name, host)


def person(user: User) -> str:
    """Return the name as a link, and the e-mail address below it."""
    return format_html(
        '<span class="desk-who">{}{}</span>', link(user, user.username), address(user.email)
    )
