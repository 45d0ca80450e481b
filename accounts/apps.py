"""The accounts app: people, their keys and their money."""

from importlib import import_module

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "People"

    def ready(self) -> None:
        """Register the colours of our statuses with the admin."""
        import_module("accounts.status_colours")
