"""What the reports keep: the figures of closed days, and how each check of the ledger ended."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.money import MoneyField


class DailyTotals(models.Model):
    """What happened on one day that is over (UTC); written by `payments.reports.daily` alone.

    Only facts that later ones do not change, so that a row stays true for good.
    """

    day = models.DateField(primary_key=True)
    # Of invitations.
    invite_views = models.PositiveIntegerField()
    signups = models.PositiveIntegerField()
    # Sign-ups by a code.
    invited_signups = models.PositiveIntegerField()
    # First qualifying purchases.
    first_purchases = models.PositiveIntegerField()
    # Seconds from sign-up to each first qualifying purchase of somebody referred.
    times_to_purchase = ArrayField(models.PositiveIntegerField())
    # Days from sign-up to each first purchase of somebody referred.
    ages_at_purchase = ArrayField(models.PositiveIntegerField())
    # Days from sign-up to each first qualifying purchase of somebody referred.
    ages_at_qualifying = ArrayField(models.PositiveIntegerField())
    # US dollars credited to buyers.
    purchases = MoneyField()
    # US dollars, both sides together.
    bonuses = MoneyField()
    # US dollars of bonuses taken back.
    bonuses_taken = MoneyField()
    # US dollars that refunds took back.
    refunds = MoneyField()
    # US dollars that disputes took back.
    disputes = MoneyField()
    # US dollars, as a refund failed or a dispute was won.
    reinstated = MoneyField()
    # The sum of the day's ledger entries.
    net = MoneyField()

    class Meta:
        db_table = "daily_totals"
        verbose_name_plural = "daily totals"

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d}"


class LedgerCheck(models.Model):
    """One look at every invariant of money; written by `payments.reports.ledger_checks` alone."""

    checked_at = models.DateTimeField(db_index=True)
    # Rows that break an invariant.
    breaches = models.PositiveIntegerField()
    # The first of them, one a line.
    detail = models.TextField(blank=True)

    class Meta:
        db_table = "ledger_checks"

    def __str__(self) -> str:
        return f"{self.breaches} breaches at {self.checked_at:%Y-%m-%d %H:%M}"
