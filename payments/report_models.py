"""What the reports store: the totals of closed days, and the results of ledger checks."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.money import MoneyField


class DailyTotals(models.Model):
    """The totals of a closed day (UTC); only `payments.reports.daily` writes them.

    Each column counts events of that day, which no later event can change.
    """

    day = models.DateField(primary_key=True)
    # Views of invitations.
    invite_views = models.PositiveIntegerField()
    signups = models.PositiveIntegerField()
    # Sign-ups with a code.
    invited_signups = models.PositiveIntegerField()
    # First qualifying purchases.
    first_purchases = models.PositiveIntegerField()
    # Seconds from sign-up with a code to each first qualifying purchase.
    times_to_purchase = ArrayField(models.PositiveIntegerField())
    # Days from sign-up with a code to each first purchase.
    ages_at_purchase = ArrayField(models.PositiveIntegerField())
    # Days from sign-up with a code to each first qualifying purchase.
    ages_at_qualifying = ArrayField(models.PositiveIntegerField())
    # US dollars credited to buyers.
    purchases = MoneyField()
    # US dollars of bonuses paid, both sides together.
    bonuses = MoneyField()
    # US dollars of bonuses taken back.
    bonuses_taken = MoneyField()
    # US dollars taken back by refunds.
    refunds = MoneyField()
    # US dollars taken back by disputes.
    disputes = MoneyField()
    # US dollars reinstated because a refund failed or a dispute was won.
    reinstated = MoneyField()
    # The sum of the day's ledger entries.
    net = MoneyField()
    # US dollars adjusted by hand, and by reversals of such adjustments; empty for a day that an
    # earlier version closed, until the job `close_days` fills it.
    adjustments = MoneyField(null=True)
    adjustments_reversed = MoneyField(null=True)

    class Meta:
        db_table = "daily_totals"
        verbose_name_plural = "daily totals"

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d}"


class LedgerCheck(models.Model):
    """The result of one ledger check; only `payments.reports.ledger_checks` writes it."""

    checked_at = models.DateTimeField(db_index=True)
    # The number of rows that break an invariant.
    breaches = models.PositiveIntegerField()
    # The first of these rows, one per line.
    detail = models.TextField(blank=True)

    class Meta:
        db_table = "ledger_checks"

    def __str__(self) -> str:
        return f"{self.breaches} breaches at {self.checked_at:%Y-%m-%d %H:%M}"


class StripeComparison(models.Model):
    """What a comparison with Stripe found; only `payments.reports.stripe_comparison` writes it.

    The latest for these days; it is empty until the job has ended.
    """

    first = models.DateField()
    last = models.DateField()
    requested_at = models.DateTimeField()
    compared_at = models.DateTimeField(null=True)
    # Why there is no result.
    error = models.CharField(max_length=500, blank=True)
    result = models.JSONField(null=True)

    class Meta:
        db_table = "stripe_comparisons"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["first", "last"], name="stripe_comparisons_once")
        ]

    def __str__(self) -> str:
        return f"{self.first} to {self.last}"
