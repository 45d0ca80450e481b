"""The project itself, and the operators' desk in place of Django's own admin site."""

from django.apps import AppConfig, apps
from django.contrib.admin import apps as admin
from django.db.models.signals import post_migrate

from gatewayz.groups import ensure_groups

# Whose pages stand under "Office" in the sidebar, and so above them too.
_OFFICE = ("auth", "axes", "otp_totp", "procrastinate")


class GatewayzConfig(AppConfig):
    name = "gatewayz"
    default = True

    def ready(self) -> None:
        for label in _OFFICE:
            apps.get_app_config(label).verbose_name = "Office"
        post_migrate.connect(ensure_groups, sender=apps.get_app_config("auth"))


class DeskConfig(admin.AdminConfig):
    default = False
    default_site = "gatewayz.admin_site.Desk"
