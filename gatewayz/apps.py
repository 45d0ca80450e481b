"""The project itself, and the operators' desk in place of Django's own admin site."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin


class GatewayzConfig(AppConfig):
    name = "gatewayz"
    default = True


class DeskConfig(admin.AdminConfig):
    default = False
    default_site = "gatewayz.admin_site.Desk"
