"""The referrals app: codes, attribution, bonuses and their terms."""

from django.apps import AppConfig


class ReferralsConfig(AppConfig):
    name = "referrals"
