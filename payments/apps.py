"""The payments app: checkout, Stripe's events, and what they do to balances."""

from importlib import import_module

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "payments"
    verbose_name = "Stripe"

    def ready(self) -> None:
        """Hand the colours of our statuses to the admin, and our gauges to `/metrics`."""
        import_module("payments.status_colours")
        import_module("payments.gauges")
