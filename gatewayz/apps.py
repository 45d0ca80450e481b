"""The project itself, and the operators' desk in place of Django's own admin site."""

from django.apps import AppConfig, apps
from django.contrib.admin import apps as admin
from django.db.models.signals import post_migrate

from gatewayz.groups import ensure_groups


class GatewayzConfig(AppConfig):
    name = "gatewayz"
    default = True

    def ready(self) -> None:
        post_migrate.connect(ensure_groups, sender=apps.get_app_config("auth"))


class DeskConfig(admin.AdminConfig):
    default = False
    default_site = "gatewayz.admin_site.Desk"
