"""The condition under which the sandbox may exist at all."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def require_sandbox() -> None:
    """Raise ImproperlyConfigured unless the settings ask for the sandbox."""
    if not getattr(settings, "STRIPE_SANDBOX", False):
        raise ImproperlyConfigured(
            "The Stripe sandbox hands out money for test cards, so it exists only while DEBUG is "
            "on and no real STRIPE_SECRET_KEY is set (STRIPE_SANDBOX is off)."
        )
