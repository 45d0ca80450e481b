"""The payments app: checkout, Stripe's events, and what they do to balances."""

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "payments"
    verbose_name = "Stripe"
