"""Ids in the form that Stripe gives them."""

from django.utils.crypto import get_random_string


def new_id(prefix: str, length: int = 24) -> str:
    """Return a new id such as `evt_1Pgc76…`."""
    return f"{prefix}_{get_random_string(length)}"
