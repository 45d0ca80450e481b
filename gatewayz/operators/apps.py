"""The apps of the operators' pages: the pages themselves, and our site in place of Django's."""

from django.apps import AppConfig, apps
from django.contrib.admin import apps as admin
from django.db.models.signals import post_migrate

from gatewayz.operators.staff_groups import ensure_groups

# Their pages stand under "Office" in the sidebar, and so above them too.
_OFFICE = ("auth", "axes", "otp_totp", "procrastinate")


class OperatorsConfig(AppConfig):
    name = "gatewayz.operators"
    default = True

    def ready(self) -> None:
        for label in _OFFICE:
            apps.get_app_config(label).verbose_name = "Office"
        post_migrate.connect(ensure_groups, sender=apps.get_app_config("auth"))


class AdminSiteConfig(admin.AdminConfig):
    default = False
    default_site = "gatewayz.operators.admin_site.Desk"
