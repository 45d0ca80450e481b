"""The adjustments of balances that operators ask for."""

import django.db.models.deletion
import django.db.models.expressions
from decimal import Decimal
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_audit_log"),
    ]

    operations = [
        migrations.CreateModel(
            name="Adjustment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "amount",
                    models.DecimalField(
                        decimal_places=2,
                        help_text="US dollars; negative takes away.",
                        max_digits=14,
                    ),
                ),
                (
                    "category",
                    models.CharField(
                        choices=[
                            ("goodwill", "Goodwill"),
                            ("correction", "Correction"),
                            ("promotion", "Promotion"),
                            ("fraud", "Fraud"),
                            ("other", "Other"),
                        ],
                        max_length=12,
                    ),
                ),
                ("reason", models.CharField(help_text="In words, for colleagues.", max_length=500)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("posted", "Posted"),
                            ("rejected", "Rejected"),
                        ],
                        max_length=10,
                    ),
                ),
                ("requested_at", models.DateTimeField()),
                (
                    "approval_limit",
                    models.DecimalField(
                        decimal_places=2,
                        help_text="US dollars that could be posted without a second person then.",
                        max_digits=14,
                    ),
                ),
                ("decided_at", models.DateTimeField(null=True)),
                ("decision_note", models.CharField(blank=True, max_length=500)),
                (
                    "token",
                    models.UUIDField(
                        help_text="Names the wish: asked for twice it is one.", unique=True
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        db_index=False,
                        help_text="The second person; empty when none was needed.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "ledger_entry",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="adjustment",
                        to="accounts.ledgerentry",
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        db_index=False,
                        help_text="Empty when it was asked for on the command line.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "reverses",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reversals",
                        to="accounts.adjustment",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="adjustments",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "adjustments",
                "permissions": [
                    ("adjust_credits", "Can adjust balances"),
                    ("approve_adjustment", "Can approve and reject adjustments of others"),
                ],
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(fields=["status", "-id"], name="adjustments_by_status"),
                    models.Index(
                        condition=models.Q(("decided_by__isnull", True), ("status", "posted")),
                        fields=["requested_by", "requested_at"],
                        name="adjustments_unapproved",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("amount", 0), _negated=True),
                            ("amount__gte", Decimal("-100000")),
                            ("amount__lte", Decimal("100000")),
                        ),
                        name="adjustments_of_something",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason__regex", "\\S")),
                        name="adjustments_have_a_reason",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ledger_entry__isnull", False), ("status", "posted")),
                            models.Q(
                                models.Q(("status", "posted"), _negated=True),
                                ("ledger_entry__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="adjustments_posted_by_an_entry",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_at__isnull", True), ("decided_by__isnull", True)),
                            models.Q(
                                ("decided_at__isnull", False),
                                ("decided_by__isnull", False),
                                models.Q(("status", "waiting"), _negated=True),
                                ("decision_note__regex", "\\S"),
                            ),
                            _connector="OR",
                        ),
                        name="adjustments_decided_with_a_reason",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status", "waiting"),
                            ("decided_by__isnull", False),
                            models.Q(
                                (
                                    "amount__gte",
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("approval_limit"), "*", models.Value(-1)
                                    ),
                                ),
                                ("amount__lte", models.F("approval_limit")),
                                ("status", "posted"),
                            ),
                            _connector="OR",
                        ),
                        name="adjustments_above_the_limit_need_two",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_by__isnull", True), ("status", "posted")),
                            models.Q(
                                ("requested_by__isnull", False),
                                models.Q(("decided_by", models.F("requested_by")), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="adjustments_decided_by_another",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("requested_by", models.F("user")), _negated=True),
                            models.Q(("decided_by", models.F("user")), _negated=True),
                        ),
                        name="adjustments_not_of_ones_own",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("status", "rejected"), _negated=True),
                        fields=("reverses",),
                        name="adjustments_reversed_once",
                    ),
                ],
            },
        ),
    ]
