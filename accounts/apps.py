"""The accounts app: people, their keys and their money."""

from importlib import import_module

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "People"

    def ready(self) -> None:
        """Register checks, security schemes, and what follows each `migrate`."""
        import_module("accounts.checks")
        import_module("accounts.schema")
        roles = import_module("accounts.database_roles")
        post_migrate.connect(roles.bring_up_to_date, sender=self)
