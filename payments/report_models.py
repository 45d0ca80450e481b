"""What the reports keep: the figures of closed days, and how each check of the ledger ended."""

from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.money import MONEY


class DailyFigures(models.Model):
    """What happened on one day that is over (UTC); written by `payments.reports.daily` alone.

    Only facts that later ones do not change, so that a row stays true for good.
    """

    day = models.DateField(primary_key=True)
    looks = models.PositiveIntegerField(help_text="At invitations.")
    signups = models.PositiveIntegerField()
    invited_signups = models.PositiveIntegerField(help_text="Sign-ups by a code.")
    first_purchases = models.PositiveIntegerField(help_text="First qualifying purchases.")
    times_to_purchase = ArrayField(
        models.PositiveIntegerField(),
        help_text="Seconds from sign-up to each first qualifying purchase of somebody referred.",
    )
    ages_at_purchase = ArrayField(
        models.PositiveIntegerField(),
        db_default=[],
        help_text="Days from sign-up to each first purchase of somebody referred.",
    )
    ages_at_qualifying = ArrayField(
        models.PositiveIntegerField(),
        db_default=[],
        help_text="Days from sign-up to each first qualifying purchase of somebody referred.",
    )
    purchases = models.DecimalField(**MONEY, help_text="US dollars credited to buyers.")
    bonuses = models.DecimalField(**MONEY, help_text="US dollars, both sides together.")
    bonuses_taken = models.DecimalField(**MONEY, help_text="US dollars of bonuses taken back.")
    refunds = models.DecimalField(**MONEY, help_text="US dollars that refunds took back.")
    disputes = models.DecimalField(**MONEY, help_text="US dollars that disputes took back.")
    given_again = models.DecimalField(
        **MONEY,
        db_default=Decimal(0),
        help_text="US dollars, as a refund failed or a dispute was won.",
    )
    net = models.DecimalField(**MONEY, help_text="The sum of the day's ledger entries.")

    class Meta:
        db_table = "daily_figures"
        verbose_name_plural = "daily figures"

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d}"


class LedgerCheck(models.Model):
    """One look at every invariant of money; written by `payments.reports.ledger_checks` alone."""

    checked_at = models.DateTimeField(db_index=True)
    breaches = models.PositiveIntegerField(help_text="Rows that break an invariant.")
    detail = models.TextField(blank=True, help_text="The first of them, one a line.")

    class Meta:
        db_table = "ledger_checks"

    def __str__(self) -> str:
        return f"{self.breaches} breaches at {self.checked_at:%Y-%m-%d %H:%M}"
