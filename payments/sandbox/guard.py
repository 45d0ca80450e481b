"""The condition under which the sandbox may run at all."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def require_sandbox() -> None:
    """Raise ImproperlyConfigured unless the settings ask for the sandbox."""
    if not getattr(settings, "STRIPE_SANDBOX", False):
        raise ImproperlyConfigured(
            "The Stripe sandbox takes test cards for money, so it runs only while DEBUG is "
            "on and no real STRIPE_SECRET_KEY is set (STRIPE_SANDBOX is off)."
        )
