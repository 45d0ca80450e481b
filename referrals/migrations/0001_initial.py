"""The tables of referrals: terms, uses of codes, leaderboard, invite views."""

from functools import partial

from accounts.money import MoneyField
from django.core import validators
import django.utils.timezone
from decimal import Decimal
from django.conf import settings
from django.db import migrations, models

ID = partial(
    models.BigAutoField, auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
)
USER = partial(models.ForeignKey, on_delete=models.PROTECT, to=settings.AUTH_USER_MODEL)
ENTRY = partial(
    models.OneToOneField, null=True, on_delete=models.PROTECT, to="accounts.ledgerentry"
)


class Migration(migrations.Migration):
    initial = True

    dependencies = [("accounts", "0001_initial"), ("accounts", "__first__")]

    operations = [
        migrations.CreateModel(
            name="InviteView",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "day",
                        "user_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("day", models.DateField()),
                ("views", models.PositiveIntegerField()),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=models.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"db_table": "invite_views"},
        ),
        migrations.CreateModel(
            name="Program",
            fields=[
                ("id", ID()),
                ("starts_at", models.DateTimeField(default=django.utils.timezone.now, unique=True)),
                (
                    "referrer_bonus",
                    MoneyField(
                        help_text="US dollars.",
                        validators=[validators.MinValueValidator(Decimal("0.01"))],
                    ),
                ),
                (
                    "referee_bonus",
                    MoneyField(
                        help_text="US dollars.",
                        validators=[validators.MinValueValidator(Decimal("0.01"))],
                    ),
                ),
                (
                    "minimum_purchase",
                    MoneyField(
                        help_text="US dollars.",
                        validators=[validators.MinValueValidator(Decimal("0.01"))],
                    ),
                ),
                (
                    "max_uses",
                    models.PositiveSmallIntegerField(
                        help_text="Uses of one code.", validators=[validators.MinValueValidator(1)]
                    ),
                ),
                (
                    "code_length",
                    models.PositiveSmallIntegerField(
                        default=8,
                        validators=[
                            validators.MinValueValidator(6),
                            validators.MaxValueValidator(16),
                        ],
                    ),
                ),
                (
                    "budget",
                    MoneyField(
                        blank=True,
                        help_text="US dollars of bonus that these terms may pay in all; empty: no end.",
                        null=True,
                        validators=[validators.MinValueValidator(Decimal("0.01"))],
                    ),
                ),
                (
                    "reserved",
                    MoneyField(
                        default=Decimal("0"),
                        editable=False,
                        help_text="US dollars of the budget that are paid, held or could come to be paid again.",
                    ),
                ),
            ],
            options={
                "verbose_name": "program terms",
                "verbose_name_plural": "program terms",
                "db_table": "programs",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("minimum_purchase__gt", 0),
                            ("referee_bonus__gt", 0),
                            ("referrer_bonus__gt", 0),
                        ),
                        name="programs_amounts_positive",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("max_uses__gte", 1)), name="programs_one_use_at_least"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("code_length__gte", 6), ("code_length__lte", 16)),
                        name="programs_code_length",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("budget__isnull", True), ("reserved", 0)),
                            models.Q(
                                ("budget__gt", 0),
                                ("reserved__gte", 0),
                                ("reserved__lte", models.F("budget")),
                            ),
                            _connector="OR",
                        ),
                        name="programs_within_budget",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LeaderboardEntry",
            fields=[
                ("id", ID()),
                (
                    "period",
                    models.CharField(
                        choices=[("all", "All time"), ("30d", "30 days"), ("7d", "7 days")],
                        max_length=3,
                    ),
                ),
                ("signups", models.PositiveIntegerField()),
                ("qualified", models.PositiveIntegerField()),
                ("referrals", models.PositiveIntegerField()),
                ("earned", MoneyField()),
                ("revenue", MoneyField()),
                ("payers", models.PositiveIntegerField()),
                ("uses_left", models.PositiveIntegerField()),
                ("place_by_referrals", models.PositiveIntegerField()),
                ("place_by_earnings", models.PositiveIntegerField()),
                ("place_by_revenue", models.PositiveIntegerField()),
                ("rank_by_referrals", models.PositiveIntegerField(null=True)),
                ("rank_by_earnings", models.PositiveIntegerField(null=True)),
                ("rank_by_revenue", models.PositiveIntegerField(null=True)),
                ("computed_at", models.DateTimeField()),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=models.CASCADE,
                        related_name="leaderboard_entries",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "leaderboard",
                "db_table": "leaderboard_entries",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("period", "user"), name="leaderboard_entries_user"
                    ),
                    models.UniqueConstraint(
                        fields=("period", "place_by_referrals"),
                        name="leaderboard_entries_place_by_referrals",
                    ),
                    models.UniqueConstraint(
                        fields=("period", "place_by_earnings"),
                        name="leaderboard_entries_place_by_earnings",
                    ),
                    models.UniqueConstraint(
                        fields=("period", "place_by_revenue"),
                        name="leaderboard_entries_place_by_revenue",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Referral",
            fields=[
                ("id", ID()),
                ("referral_code", models.CharField(max_length=16)),
                ("bonus_amount", MoneyField()),
                ("referee_bonus_amount", MoneyField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("completed", "Completed"),
                            ("held", "Held"),
                            ("reversed", "Reversed"),
                            ("voided", "Voided"),
                        ],
                        max_length=10,
                    ),
                ),
                ("completed_at", models.DateTimeField()),
                ("max_uses", models.PositiveSmallIntegerField()),
                ("use_number", models.PositiveSmallIntegerField()),
                ("awards", models.PositiveSmallIntegerField(default=0)),
                ("purchase_qualifies", models.BooleanField(default=True)),
                (
                    "review",
                    models.CharField(
                        choices=[
                            ("none", "None"),
                            ("held", "Held"),
                            ("released", "Released"),
                            ("voided", "Voided"),
                        ],
                        default="none",
                        max_length=10,
                    ),
                ),
                ("hold_reason", models.CharField(blank=True, max_length=200)),
                ("is_same_address", models.BooleanField(default=False)),
                ("review_note", models.CharField(blank=True, max_length=500)),
                ("reviewed_at", models.DateTimeField(null=True)),
                (
                    "program",
                    models.ForeignKey(
                        on_delete=models.PROTECT, related_name="referrals", to="referrals.program"
                    ),
                ),
                ("referee_entry", ENTRY(related_name="referral_as_referee")),
                (
                    "referred_user",
                    models.OneToOneField(
                        on_delete=models.PROTECT,
                        related_name="referral_received",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("referrer", USER(db_index=False, related_name="referrals_made")),
                ("referrer_entry", ENTRY(related_name="referral_as_referrer")),
                ("reviewed_by", USER(null=True, related_name="+")),
            ],
            options={
                "db_table": "referrals",
                "permissions": [("review_referral", "Can release or void a held bonus")],
                "indexes": [
                    models.Index(fields=["-completed_at", "-id"], name="referrals_recent"),
                    models.Index(
                        fields=["status", "-completed_at", "-id"], name="referrals_by_status"
                    ),
                    models.Index(
                        condition=models.Q(("status", "held")),
                        fields=["completed_at"],
                        name="referrals_held",
                    ),
                    models.Index(
                        condition=models.Q(("status", "completed")),
                        fields=["referrer"],
                        include=("bonus_amount",),
                        name="referrals_earned",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("referrer", "use_number"),
                        include=("status", "bonus_amount"),
                        name="referrals_use_number_unique",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("use_number__gte", 1), ("use_number__lte", models.F("max_uses"))
                        ),
                        name="referrals_within_cap",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("referrer", models.F("referred_user")), _negated=True),
                        name="referrals_not_of_oneself",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("bonus_amount__gt", 0), ("referee_bonus_amount__gt", 0)
                        ),
                        name="referrals_bonuses_positive",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("referee_entry__isnull", False),
                                ("referrer_entry__isnull", False),
                                ("status", "completed"),
                            ),
                            models.Q(
                                models.Q(("status", "completed"), _negated=True),
                                ("referee_entry__isnull", True),
                                ("referrer_entry__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="referrals_completed_are_paid",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("review__in", ["none", "held"]), ("reviewed_by__isnull", True)
                            ),
                            models.Q(
                                ("review__in", ["released", "voided"]),
                                models.Q(("review_note", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="referrals_reviewed_with_a_reason",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("reviewed_by", models.F("referrer")), _negated=True),
                            models.Q(("reviewed_by", models.F("referred_user")), _negated=True),
                        ),
                        name="referrals_reviewed_by_another",
                    ),
                ],
            },
        ),
    ]
