"""The payments app: checkout, Stripe's events, settlement, refunds and disputes."""

from importlib import import_module

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "payments"
    verbose_name = "Stripe"

    def ready(self) -> None:
        """Register our gauges with `/metrics`."""
        import_module("payments.gauges")
