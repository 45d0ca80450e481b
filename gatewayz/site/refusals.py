"""Says on a form that a rate limit is reached."""

from math import ceil

from django import forms

from accounts.throttling import TooManyRequests


def add_refusal(form: forms.Form, refusal: TooManyRequests) -> int:
    """Add the refusal to the form; return the status to answer with."""
    minutes = ceil(refusal.wait / 60)
    unit = "minute" if minutes == 1 else "minutes"
    form.add_error(None, f"Too many attempts from your network. Try again in {minutes} {unit}.")
    return refusal.status_code
