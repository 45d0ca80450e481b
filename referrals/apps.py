"""The referrals app: codes, attribution, bonuses and their terms."""

from importlib import import_module

from django.apps import AppConfig


class ReferralsConfig(AppConfig):
    name = "referrals"

    def ready(self) -> None:
        """Hand our deployment check to Django, and the colours of our statuses to the admin."""
        import_module("referrals.checks")
        import_module("referrals.status_colours")
