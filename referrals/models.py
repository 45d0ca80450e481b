"""The record of each use of a code, and what is counted of them."""

from decimal import ROUND_HALF_UP, Decimal
from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from accounts.models import LedgerEntry, User
from accounts.money import MoneyField
from referrals.terms_models import Program

__all__ = ["InviteView", "LeaderboardEntry", "Program", "Referral"]

_TENTH = Decimal("0.1")


class Referral(models.Model):
    """One use of a code, created when a referee's purchase qualifies (CONTRACT 2.6).

    `use_number` counts the uses of a referrer from 1. The database keeps it unique for the referrer
    and at most `max_uses`: an eleventh use is impossible.
    """

    class Status(models.TextChoices):
        """The state of the bonuses, computed from `review` and `purchase_qualifies`.

        completed ↔ reversed, whenever the purchase stops or starts to qualify;
        completed → held (looks like self-dealing) → completed (released) or voided, which is final.
        """

        COMPLETED = "completed"  # paid to both sides
        HELD = "held"  # an operator must release or void it
        REVERSED = "reversed"  # the purchase no longer qualifies
        VOIDED = "voided"  # an operator cancelled it

    class Review(models.TextChoices):
        """The state of the review: none → held → released or voided; these two are final."""

        NONE = "none"  # not suspicious
        HELD = "held"  # an operator must decide
        RELEASED = "released"  # an operator approved it
        VOIDED = "voided"  # an operator cancelled it

    referrer = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="referrals_made", db_index=False
    )
    referred_user = models.OneToOneField(
        User, on_delete=models.PROTECT, related_name="referral_received"
    )
    referral_code = models.CharField(max_length=16)
    # The referrer's bonus, in US dollars.
    bonus_amount = MoneyField()
    # The referee's bonus, in US dollars.
    referee_bonus_amount = MoneyField()
    status = models.CharField(max_length=10, choices=Status.choices)
    # When the purchase qualified.
    completed_at = models.DateTimeField()
    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="referrals")
    # The cap by the terms that were in force.
    max_uses = models.PositiveSmallIntegerField()
    # 1 for the first use of the code.
    use_number = models.PositiveSmallIntegerField()
    referrer_entry = models.OneToOneField(
        LedgerEntry, on_delete=models.PROTECT, null=True, related_name="referral_as_referrer"
    )
    referee_entry = models.OneToOneField(
        LedgerEntry, on_delete=models.PROTECT, null=True, related_name="referral_as_referee"
    )
    # How often the bonuses were paid: once more each time they are reinstated or released.
    awards = models.PositiveSmallIntegerField(default=0)
    # The unrefunded rest is at least the minimum, and there is no open or lost dispute.
    purchase_qualifies = models.BooleanField(default=True)
    review = models.CharField(max_length=10, choices=Review.choices, default=Review.NONE)
    hold_reason = models.CharField(max_length=200, blank=True)
    # The award is part of what its terms have reserved of their budget, if they have one.
    is_budgeted = models.BooleanField(default=True, db_default=True)
    # Both signed up from the same IP address, which alone does not hold the bonus.
    is_same_address = models.BooleanField(default=False)
    review_note = models.CharField(max_length=500, blank=True)
    reviewed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    reviewed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "referrals"
        permissions: ClassVar = [("review_referral", "Can release or void a held bonus")]
        constraints = [
            models.UniqueConstraint(
                fields=["referrer", "use_number"],
                include=["status", "bonus_amount"],
                name="referrals_use_number_unique",
            ),
            models.CheckConstraint(
                condition=Q(use_number__gte=1, use_number__lte=F("max_uses")),
                name="referrals_within_cap",
            ),
            models.CheckConstraint(
                condition=~Q(referrer=F("referred_user")), name="referrals_not_of_oneself"
            ),
            models.CheckConstraint(
                condition=Q(bonus_amount__gt=0, referee_bonus_amount__gt=0),
                name="referrals_bonuses_positive",
            ),
            models.CheckConstraint(
                condition=Q(
                    status="completed", referrer_entry__isnull=False, referee_entry__isnull=False
                )
                | (
                    ~Q(status="completed")
                    & Q(referrer_entry__isnull=True, referee_entry__isnull=True)
                ),
                name="referrals_completed_are_paid",
            ),
            models.CheckConstraint(
                condition=Q(review__in=["none", "held"], reviewed_by__isnull=True)
                | (Q(review__in=["released", "voided"]) & ~Q(review_note="")),
                name="referrals_reviewed_with_a_reason",
            ),
            models.CheckConstraint(
                condition=~Q(reviewed_by=F("referrer")) & ~Q(reviewed_by=F("referred_user")),
                name="referrals_reviewed_by_another",
            ),
        ]
        indexes = [
            models.Index(fields=["-completed_at", "-id"], name="referrals_recent"),
            models.Index(fields=["status", "-completed_at", "-id"], name="referrals_by_status"),
            models.Index(
                fields=["completed_at"], condition=Q(status="held"), name="referrals_held"
            ),
        ]

    def __str__(self) -> str:
        return f"use {self.use_number} of {self.referral_code}"

    @property
    def award(self) -> Decimal:
        """The bonuses of both sides together, paid or not, in US dollars."""
        return self.bonus_amount + self.referee_bonus_amount

    def due_status(self) -> Status:
        """Return the status that follows from the review and the purchase."""
        if self.review == self.Review.VOIDED:
            return self.Status.VOIDED
        if not self.purchase_qualifies:
            return self.Status.REVERSED
        return self.Status.HELD if self.review == self.Review.HELD else self.Status.COMPLETED

    @property
    def bonus_earned(self) -> Decimal:
        """The referrer's bonus in US dollars, zero unless it is paid."""
        return self.bonus_amount if self.status == self.Status.COMPLETED else Decimal(0)


class LeaderboardEntry(models.Model):
    """A referrer's row in the leaderboard of one period, written by `payments.reports` alone.

    Sign-ups, completed referrals and revenue are those of the period. `qualified` counts the
    period's sign-ups that have qualified until now, so that conversion is never above 100 %. Places
    number the rows of a list. Ranks are for people: ties share a rank, and zero has no rank.
    """

    class Period(models.TextChoices):
        """The time that the leaderboard covers."""

        ALL = "all", "All time"
        MONTH = "30d", "30 days"
        WEEK = "7d", "7 days"

    period = models.CharField(max_length=3, choices=Period.choices)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="leaderboard_entries")
    # Friends who signed up with the code.
    signups = models.PositiveIntegerField()
    # The number of these sign-ups with a qualifying purchase until now.
    qualified = models.PositiveIntegerField()
    # Completed referrals.
    referrals = models.PositiveIntegerField()
    # US dollars of bonuses that are not taken back.
    earned = MoneyField()
    # US dollars that friends paid, without what was taken back.
    revenue = MoneyField()
    # Friends who paid this revenue.
    payers = models.PositiveIntegerField()
    # By the terms in force when it was counted.
    uses_left = models.PositiveIntegerField()
    place_by_referrals = models.PositiveIntegerField()
    place_by_earnings = models.PositiveIntegerField()
    place_by_revenue = models.PositiveIntegerField()
    rank_by_referrals = models.PositiveIntegerField(null=True)
    rank_by_earnings = models.PositiveIntegerField(null=True)
    rank_by_revenue = models.PositiveIntegerField(null=True)
    computed_at = models.DateTimeField()

    class Meta:
        db_table = "leaderboard_entries"
        verbose_name_plural = "leaderboard"
        constraints = [
            models.UniqueConstraint(fields=["period", column], name=f"leaderboard_entries_{column}")
            for column in ("user", "place_by_referrals", "place_by_earnings", "place_by_revenue")
        ]

    def __str__(self) -> str:
        return f"place {self.place_by_referrals} of {self.get_period_display()}"

    @property
    def conversion(self) -> Decimal | None:
        """The percentage of sign-ups that have made a qualifying purchase."""
        if not self.signups:
            return None
        return (Decimal(100 * self.qualified) / self.signups).quantize(_TENTH, ROUND_HALF_UP)


class InviteView(models.Model):
    """How often a user's invitation was viewed on one day (UTC); see `invite_views`."""

    pk = models.CompositePrimaryKey("day", "user_id")
    day = models.DateField()
    # No foreign key in the database: checking it would lock the user's row at each view.
    user = models.ForeignKey(
        User, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    views = models.PositiveIntegerField()

    class Meta:
        db_table = "invite_views"

    def __str__(self) -> str:
        return f"{self.views} on {self.day:%Y-%m-%d}"
