"""The program's dated terms, and who approved them."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Expression, F, Q
from django.utils import timezone

from accounts.models import User
from accounts.money import CENT, MoneyField

_LEAST = MinValueValidator(CENT)


class ProgramQuerySet(models.QuerySet["Program"]):
    def approved(self) -> "ProgramQuerySet":
        """Filter to terms that are in force, were or will be."""
        return self.filter(status=Program.Status.APPROVED)

    def at(self, now: "datetime | Expression") -> "ProgramQuerySet":
        """The terms in force at `now`: a query of one row, usable as a subquery."""
        return self.approved().filter(starts_at__lte=now).order_by("-starts_at")[:1]


class Program(models.Model):
    """The terms of the program from `starts_at` until the next ones start (CONTRACT 2.11)."""

    class Status(models.TextChoices):
        """Approved at once, or waiting → approved or rejected; both are final."""

        WAITING = "waiting"  # a second person of Finance must decide
        APPROVED = "approved"  # in force from their start
        REJECTED = "rejected"  # the second person refused them

    starts_at = models.DateTimeField(default=timezone.now)
    referrer_bonus = MoneyField(validators=[_LEAST], help_text="US dollars.")
    referee_bonus = MoneyField(validators=[_LEAST], help_text="US dollars.")
    minimum_purchase = MoneyField(validators=[_LEAST], help_text="US dollars.")
    max_uses = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1)], help_text="Uses of one code."
    )
    code_length = models.PositiveSmallIntegerField(
        default=8, validators=[MinValueValidator(6), MaxValueValidator(16)]
    )
    offer_days = models.PositiveSmallIntegerField(
        default=90,
        db_default=90,
        validators=[MinValueValidator(1), MaxValueValidator(3650)],
        help_text="Days after sign-up in which a purchase brings at least what is promised.",
    )
    budget = MoneyField(
        null=True,
        blank=True,
        validators=[_LEAST],
        help_text="US dollars of bonus that these terms may pay in all; empty: no end.",
    )
    reserved = MoneyField(
        default=Decimal(0),
        editable=False,
        help_text="US dollars of the budget that are paid, held or could come to be paid again.",
    )

    status = models.CharField(
        max_length=10,
        choices=Status.choices,
        default=Status.APPROVED,
        db_default=Status.APPROVED,
        editable=False,
    )
    # Empty for the first terms, which come from the environment.
    requested_by = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        editable=False,
    )
    requested_at = models.DateTimeField(null=True, editable=False)
    # The second person; empty when none was needed or none has decided yet.
    decided_by = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        editable=False,
    )
    decided_at = models.DateTimeField(null=True, editable=False)
    decision_note = models.CharField(max_length=500, blank=True, db_default="", editable=False)

    objects = ProgramQuerySet.as_manager()

    class Meta:
        db_table = "programs"
        verbose_name = "program terms"
        verbose_name_plural = "program terms"
        constraints = [
            models.UniqueConstraint(
                fields=["starts_at"], condition=~Q(status="rejected"), name="programs_start_once"
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True, decided_at__isnull=True)
                & ~Q(status="rejected")
                | (
                    Q(decided_by__isnull=False, decided_at__isnull=False)
                    & ~Q(status="waiting")
                    & Q(decision_note__regex=r"\S")
                ),
                name="programs_decided_with_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(status="approved", decided_by__isnull=True)
                | (Q(requested_by__isnull=False) & ~Q(decided_by=F("requested_by"))),
                name="programs_decided_by_another",
            ),
            models.CheckConstraint(
                condition=Q(starts_at__gte=F("decided_at"))
                | Q(decided_at__isnull=True)
                | ~Q(status="approved"),
                name="programs_start_once_approved",
            ),
            models.CheckConstraint(
                condition=Q(referrer_bonus__gt=0, referee_bonus__gt=0, minimum_purchase__gt=0),
                name="programs_amounts_positive",
            ),
            models.CheckConstraint(condition=Q(max_uses__gte=1), name="programs_one_use_at_least"),
            models.CheckConstraint(
                condition=Q(code_length__gte=6, code_length__lte=16), name="programs_code_length"
            ),
            models.CheckConstraint(
                condition=Q(offer_days__gte=1, offer_days__lte=3650), name="programs_offer_days"
            ),
            models.CheckConstraint(
                condition=Q(budget__isnull=True, reserved=0)
                | Q(budget__gt=0, reserved__gte=0, reserved__lte=F("budget")),
                name="programs_within_budget",
            ),
        ]

    def __str__(self) -> str:
        return f"from {self.starts_at:%Y-%m-%d %H:%M}"

    @property
    def award(self) -> Decimal:
        """The bonuses of one use, both sides together, in US dollars."""
        return self.referrer_bonus + self.referee_bonus

    def is_withdrawable(self, *, now: datetime) -> bool:
        """Whether they wait, or needed no second person and have not started.

        What two people decided, one does not undo: they add the next terms.
        """
        if self.status == self.Status.APPROVED:
            return self.decided_by_id is None and self.starts_at > now
        return self.status == self.Status.WAITING

    def offer_ends(self, attributed_at: datetime) -> datetime:
        """Return until when these terms bind us towards who was invited then (CONTRACT 2.12)."""
        return attributed_at + timedelta(days=self.offer_days)

    @property
    def left(self) -> Decimal | None:
        """The unreserved rest of the budget, in US dollars; None without a budget."""
        return None if self.budget is None else self.budget - self.reserved

    @property
    def is_spent(self) -> bool:
        """Whether the budget is too small for another award."""
        return self.left is not None and self.left < self.award
