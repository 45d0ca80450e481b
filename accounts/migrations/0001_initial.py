"""The tables of accounts: people, keys, the ledger, adjustments, the audit log."""

from functools import partial

from accounts.money import MoneyField
import django.contrib.auth.models
import django.contrib.auth.validators
from django.contrib.postgres.indexes import BrinIndex
from django.core.serializers.json import DjangoJSONEncoder
from django.core import validators
import django.db.models.expressions
import django.db.models.functions.text
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

    dependencies = [("auth", "0012_alter_user_first_name_max_length")]

    operations = [
        migrations.CreateModel(
            name="LimitWindow",
            fields=[
                ("key", models.BinaryField(primary_key=True, serialize=False)),
                ("uses", models.PositiveIntegerField()),
                ("ends_at", models.DateTimeField(db_index=True)),
            ],
            options={"db_table": "limit_windows"},
        ),
        migrations.CreateModel(
            name="User",
            fields=[
                ("id", ID()),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                (
                    "last_login",
                    models.DateTimeField(blank=True, null=True, verbose_name="last login"),
                ),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                (
                    "username",
                    models.CharField(
                        error_messages={"unique": "A user with that username already exists."},
                        help_text="Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.",
                        max_length=150,
                        unique=True,
                        validators=[django.contrib.auth.validators.UnicodeUsernameValidator()],
                        verbose_name="username",
                    ),
                ),
                (
                    "first_name",
                    models.CharField(blank=True, max_length=150, verbose_name="first name"),
                ),
                (
                    "last_name",
                    models.CharField(blank=True, max_length=150, verbose_name="last name"),
                ),
                (
                    "is_staff",
                    models.BooleanField(
                        default=False,
                        help_text="Designates whether the user can log into this admin site.",
                        verbose_name="staff status",
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=True,
                        help_text="Designates whether this user should be treated as active. Unselect this instead of deleting accounts.",
                        verbose_name="active",
                    ),
                ),
                ("email", models.EmailField(max_length=254, verbose_name="e-mail address")),
                ("credits", MoneyField(default=Decimal("0"), editable=False)),
                (
                    "referral_code",
                    models.CharField(
                        editable=False,
                        max_length=16,
                        null=True,
                        unique=True,
                        validators=[validators.RegexValidator("\\A[A-Z0-9]{6,16}\\Z")],
                    ),
                ),
                ("referred_by_code", models.CharField(editable=False, max_length=16, null=True)),
                ("has_made_first_purchase", models.BooleanField(default=False, editable=False)),
                (
                    "auth_method",
                    models.CharField(
                        choices=[
                            ("email", "Email"),
                            ("phone", "Phone"),
                            ("wallet", "Wallet"),
                            ("google", "Google"),
                            ("github", "Github"),
                        ],
                        default="email",
                        max_length=10,
                    ),
                ),
                ("signup_address", models.CharField(blank=True, editable=False, max_length=64)),
                ("show_on_leaderboard", models.BooleanField(default=False, editable=False)),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "db_table": "users",
                "permissions": [("deactivate_user", "Can deactivate and reactivate people")],
                "indexes": [
                    models.Index(
                        condition=models.Q(("referred_by_code__isnull", False)),
                        fields=["referred_by_code", "has_made_first_purchase"],
                        name="users_referred_by_code",
                    ),
                    models.Index(
                        fields=["has_made_first_purchase", "-id"], name="users_by_first_purchase"
                    ),
                    models.Index(
                        condition=models.Q(("is_active", False)),
                        fields=["-id"],
                        name="users_deactivated",
                    ),
                    models.Index(
                        condition=models.Q(("is_staff", True)), fields=["-id"], name="users_staff"
                    ),
                    models.Index(fields=["created_at"], name="users_by_age"),
                    models.Index(
                        condition=models.Q(("referred_by_code__isnull", False)),
                        fields=["created_at"],
                        include=("id", "has_made_first_purchase"),
                        name="users_invited_by_age",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        django.contrib.postgres.indexes.OpClass(
                            django.db.models.functions.text.Lower("username"),
                            name="text_pattern_ops",
                        ),
                        name="users_username_any_case_unique",
                    ),
                    models.UniqueConstraint(
                        django.contrib.postgres.indexes.OpClass(
                            django.db.models.functions.text.Lower("email"), name="text_pattern_ops"
                        ),
                        name="users_email_any_case_unique",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("referral_code__regex", "^[A-Z0-9]{6,16}$")),
                        name="users_referral_code_form",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("referred_by_code", models.F("referral_code")), _negated=True
                        ),
                        name="users_not_referred_by_self",
                    ),
                ],
            },
            managers=[("objects", django.contrib.auth.models.UserManager())],
        ),
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                ("id", ID()),
                ("name", models.CharField(max_length=100)),
                ("prefix", models.CharField(max_length=16)),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("last_used_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=models.CASCADE,
                        related_name="api_keys",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "api_keys",
                "permissions": [("manage_keys", "Can revoke and rotate API keys")],
                "indexes": [models.Index(fields=["prefix"], name="api_keys_by_prefix")],
            },
        ),
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                ("id", ID()),
                ("at", models.DateTimeField()),
                ("shell_user", models.CharField(blank=True, default="", max_length=100)),
                ("action", models.CharField(max_length=50)),
                ("target_type", models.CharField(max_length=100)),
                ("target_id", models.BigIntegerField(null=True)),
                ("target_label", models.CharField(max_length=200)),
                ("reason", models.CharField(max_length=500)),
                ("before", models.JSONField(default=dict, encoder=DjangoJSONEncoder)),
                ("after", models.JSONField(default=dict, encoder=DjangoJSONEncoder)),
                ("by", USER(db_index=False, null=True, related_name="+")),
            ],
            options={
                "verbose_name_plural": "audit log",
                "db_table": "audit_entries",
                "permissions": [("export", "Can export lists")],
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(
                        fields=["target_type", "target_id", "-id"], name="audit_of_target"
                    ),
                    models.Index(fields=["by", "-id"], name="audit_by_person"),
                    models.Index(fields=["action", "-id"], name="audit_by_action"),
                    BrinIndex(fields=["at"], name="audit_by_time", pages_per_range=16),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("action", ""), _negated=True),
                        name="audit_names_the_action",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason__regex", "\\S")), name="audit_says_why"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("by__isnull", False), ("shell_user", "")),
                            models.Q(
                                ("by__isnull", True), models.Q(("shell_user", ""), _negated=True)
                            ),
                            _connector="OR",
                        ),
                        name="audit_says_who",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerEntry",
            fields=[
                ("id", ID()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("purchase", "Purchase"),
                            ("referrer_bonus", "Referrer Bonus"),
                            ("referee_bonus", "Referee Bonus"),
                            ("refund", "Refund"),
                            ("dispute", "Dispute"),
                            ("adjustment", "Adjustment"),
                            ("reversal", "Reversal"),
                        ],
                        max_length=20,
                    ),
                ),
                ("amount", MoneyField()),
                ("balance_after", MoneyField()),
                ("number", models.PositiveIntegerField()),
                ("idempotency_key", models.CharField(max_length=255, unique=True)),
                ("description", models.CharField(max_length=200)),
                ("reference", models.CharField(blank=True, max_length=255)),
                ("created_at", models.DateTimeField()),
                ("posted_by", USER(null=True, related_name="+")),
                ("reverses", ENTRY(related_name="reversed_by")),
                ("user", USER(db_index=False, related_name="ledger_entries")),
            ],
            options={
                "verbose_name_plural": "ledger entries",
                "db_table": "ledger_entries",
                "indexes": [
                    models.Index(
                        condition=models.Q(("kind", "purchase"), _negated=True),
                        fields=["kind", "-id"],
                        name="ledger_by_kind",
                    ),
                    BrinIndex(
                        fields=["created_at"], name="ledger_entries_by_time", pages_per_range=16
                    ),
                    models.Index(
                        condition=models.Q(("balance_after__lt", 0)),
                        fields=["user"],
                        name="ledger_entries_in_debt",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "number"), name="ledger_entries_in_a_row"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount", 0), _negated=True),
                        name="ledger_amount_not_zero",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("amount__gt", 0),
                            models.Q(
                                ("kind__in", ["purchase", "referrer_bonus", "referee_bonus"]),
                                _negated=True,
                            ),
                            _connector="OR",
                        ),
                        name="ledger_credits_are_positive",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("amount__lt", 0),
                            models.Q(("kind__in", ["refund", "dispute"]), _negated=True),
                            _connector="OR",
                        ),
                        name="ledger_clawbacks_are_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "reversal"), ("reverses__isnull", False)),
                            models.Q(
                                models.Q(("kind", "reversal"), _negated=True),
                                ("reverses__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="ledger_reversal_names_its_original",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("idempotency_key", ""), _negated=True),
                        name="ledger_entry_names_its_cause",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Adjustment",
            fields=[
                ("id", ID()),
                ("amount", MoneyField()),
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
                ("reason", models.CharField(max_length=500)),
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
                ("approval_limit", MoneyField()),
                ("decided_at", models.DateTimeField(null=True)),
                ("decision_note", models.CharField(blank=True, max_length=500)),
                ("token", models.UUIDField(unique=True)),
                ("decided_by", USER(db_index=False, null=True, related_name="+")),
                ("requested_by", USER(db_index=False, null=True, related_name="+")),
                (
                    "reverses",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=models.PROTECT,
                        related_name="reversals",
                        to="accounts.adjustment",
                    ),
                ),
                ("user", USER(related_name="adjustments")),
                ("ledger_entry", ENTRY(related_name="adjustment")),
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
