"""The referrals app: codes, attribution, bonuses and their terms."""

from importlib import import_module

from django.apps import AppConfig


class ReferralsConfig(AppConfig):
    name = "referrals"

    def ready(self) -> None:
        """Let Django know of our deployment check."""
        import_module("referrals.checks")
