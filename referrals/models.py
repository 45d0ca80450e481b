"""The programme's dated terms, and the record of each use of a code."""

from datetime import datetime
from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import MONEY, LedgerEntry, User

_CENT = MinValueValidator(Decimal("0.01"))


class ProgramQuerySet(models.QuerySet["Program"]):
    def at(self, now: datetime) -> "ProgramQuerySet":
        """The terms in force, as a query of one row that can stand inside another query."""
        return self.filter(starts_at__lte=now).order_by("-starts_at")[:1]


class Program(models.Model):
    """The terms of the programme from `starts_at` until the next ones start (CONTRACT 2.11)."""

    starts_at = models.DateTimeField(unique=True, default=timezone.now)
    referrer_bonus = models.DecimalField(**MONEY, validators=[_CENT], help_text="US dollars.")
    referee_bonus = models.DecimalField(**MONEY, validators=[_CENT], help_text="US dollars.")
    minimum_purchase = models.DecimalField(**MONEY, validators=[_CENT], help_text="US dollars.")
    max_uses = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1)], help_text="Uses of one code."
    )
    code_length = models.PositiveSmallIntegerField(
        default=8, validators=[MinValueValidator(6), MaxValueValidator(16)]
    )

    objects = ProgramQuerySet.as_manager()

    class Meta:
        db_table = "programs"
        verbose_name = "programme terms"
        verbose_name_plural = "programme terms"
        constraints = [
            models.CheckConstraint(
                condition=Q(referrer_bonus__gt=0, referee_bonus__gt=0, minimum_purchase__gt=0),
                name="programs_amounts_positive",
            ),
            models.CheckConstraint(condition=Q(max_uses__gte=1), name="programs_one_use_at_least"),
            models.CheckConstraint(
                condition=Q(code_length__gte=6, code_length__lte=16),
                name="programs_code_length",
            ),
        ]

    def __str__(self) -> str:
        return f"from {self.starts_at:%Y-%m-%d %H:%M}"


class Referral(models.Model):
    """One use of a code: written when a referee's purchase qualifies, never before (CONTRACT 2.6).

    The columns are the wiki's. `slot` numbers the uses of a referrer from 1; unique together with
    the referrer and bounded by `max_uses`, it makes an eleventh use impossible.
    """

    class Status(models.TextChoices):
        """What became of the bonuses.

        completed → reversed (the purchase no longer qualifies) → completed (dispute won);
        completed → held (looks like self-dealing) → completed (released) or voided.
        """

        COMPLETED = "completed"
        HELD = "held"
        REVERSED = "reversed"
        VOIDED = "voided"

    referrer = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="referrals_made", db_index=False
    )
    referred_user = models.OneToOneField(
        User, on_delete=models.PROTECT, related_name="referral_received"
    )
    referral_code = models.CharField(max_length=16)
    bonus_amount = models.DecimalField(**MONEY, help_text="The referrer's, in US dollars.")
    referee_bonus_amount = models.DecimalField(**MONEY, help_text="In US dollars.")
    status = models.CharField(max_length=10, choices=Status.choices)
    completed_at = models.DateTimeField(help_text="When the purchase qualified.")
    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="referrals")
    max_uses = models.PositiveSmallIntegerField(help_text="The cap by the terms of that day.")
    slot = models.PositiveSmallIntegerField(help_text="The how-many-eth use of the code.")
    referrer_entry = models.OneToOneField(
        LedgerEntry, on_delete=models.PROTECT, null=True, related_name="referral_as_referrer"
    )
    referee_entry = models.OneToOneField(
        LedgerEntry, on_delete=models.PROTECT, null=True, related_name="referral_as_referee"
    )

    class Meta:
        db_table = "referrals"
        constraints = [
            models.UniqueConstraint(
                fields=["referrer", "slot"],
                include=["status", "bonus_amount"],
                name="referrals_slot_unique",
            ),
            models.CheckConstraint(
                condition=Q(slot__gte=1, slot__lte=F("max_uses")), name="referrals_within_cap"
            ),
            models.CheckConstraint(
                condition=~Q(referrer=F("referred_user")), name="referrals_not_of_oneself"
            ),
            models.CheckConstraint(
                condition=Q(bonus_amount__gt=0, referee_bonus_amount__gt=0),
                name="referrals_bonuses_positive",
            ),
            models.CheckConstraint(
                condition=~Q(status="completed")
                | Q(referrer_entry__isnull=False, referee_entry__isnull=False),
                name="referrals_completed_were_paid",
            ),
        ]
        indexes = [
            models.Index(fields=["-completed_at", "-id"], name="referrals_recent"),
            models.Index(
                fields=["referrer"],
                include=["bonus_amount"],
                condition=Q(status="completed"),
                name="referrals_standing",
            ),
        ]

    def __str__(self) -> str:
        return f"use {self.slot} of {self.referral_code}"

    @property
    def bonus_earned(self) -> Decimal:
        """What the referrer has of it, in US dollars: a bonus that does not stand is nothing."""
        return self.bonus_amount if self.status == self.Status.COMPLETED else Decimal(0)
