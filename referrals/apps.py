"""The referrals app: codes, attribution, bonuses and their terms."""

from importlib import import_module

from django.apps import AppConfig


class ReferralsConfig(AppConfig):
    name = "referrals"

    def ready(self) -> None:
        """Register our status colours with the admin."""
        import_module("referrals.status_colours")
