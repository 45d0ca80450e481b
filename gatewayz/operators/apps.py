"""The Django apps of the operators' pages: the pages, and our admin site in place of Django's."""

from importlib import import_module

from django.apps import AppConfig, apps
from django.contrib.admin import apps as admin
from django.db.models.signals import post_migrate

from gatewayz.adminbase import status_badges
from gatewayz.operators import status_colours
from gatewayz.operators.staff_groups import ensure_groups

# Their pages are under "Staff" in the sidebar, and in the titles above them.
_STAFF_APPS = ("auth", "axes", "otp_totp", "procrastinate")


class OperatorsConfig(AppConfig):
    name = "gatewayz.operators"
    default = True

    def ready(self) -> None:
        import_module("gatewayz.deployment_checks")
        status_badges.COLOURS |= status_colours.COLOURS
        for label in _STAFF_APPS:
            apps.get_app_config(label).verbose_name = "Staff"
        post_migrate.connect(ensure_groups, sender=apps.get_app_config("auth"))


class AdminSiteConfig(admin.AdminConfig):
    default = False
    default_site = "gatewayz.operators.admin_site.OperatorSite"
