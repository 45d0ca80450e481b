"""The tables of payments: purchases, Stripe's events, clawbacks, daily totals."""

from functools import partial

from accounts.money import MoneyField
from django.contrib.postgres.fields import ArrayField
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

    dependencies = [
        ("accounts", "0001_initial"),
        ("accounts", "__first__"),
        ("referrals", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="DailyTotals",
            fields=[
                ("day", models.DateField(primary_key=True, serialize=False)),
                ("invite_views", models.PositiveIntegerField()),
                ("signups", models.PositiveIntegerField()),
                ("invited_signups", models.PositiveIntegerField()),
                ("first_purchases", models.PositiveIntegerField()),
                (
                    "times_to_purchase",
                    ArrayField(base_field=models.PositiveIntegerField(), size=None),
                ),
                (
                    "ages_at_purchase",
                    ArrayField(base_field=models.PositiveIntegerField(), size=None),
                ),
                (
                    "ages_at_qualifying",
                    ArrayField(base_field=models.PositiveIntegerField(), size=None),
                ),
                ("purchases", MoneyField()),
                ("bonuses", MoneyField()),
                ("bonuses_taken", MoneyField()),
                ("refunds", MoneyField()),
                ("disputes", MoneyField()),
                ("reinstated", MoneyField()),
                ("net", MoneyField()),
            ],
            options={"verbose_name_plural": "daily totals", "db_table": "daily_totals"},
        ),
        migrations.CreateModel(
            name="LedgerCheck",
            fields=[
                ("id", ID()),
                ("checked_at", models.DateTimeField(db_index=True)),
                ("breaches", models.PositiveIntegerField()),
                ("detail", models.TextField(blank=True)),
            ],
            options={"db_table": "ledger_checks"},
        ),
        migrations.CreateModel(
            name="Payment",
            fields=[
                ("id", ID()),
                ("amount", models.PositiveIntegerField()),
                ("currency", models.CharField(default="usd", max_length=3)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("created", "Created"),
                            ("pending", "Pending"),
                            ("paid", "Paid"),
                            ("failed", "Failed"),
                            ("expired", "Expired"),
                        ],
                        default="created",
                        max_length=10,
                    ),
                ),
                ("idempotency_key", models.CharField(max_length=255, null=True)),
                ("success_url", models.CharField(max_length=2000)),
                ("cancel_url", models.CharField(max_length=2000)),
                ("session_id", models.CharField(max_length=255, null=True, unique=True)),
                ("payment_intent_id", models.CharField(max_length=255, null=True, unique=True)),
                ("checkout_url", models.TextField(blank=True)),
                ("expires_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField()),
                ("paid_at", models.DateTimeField(null=True)),
                (
                    "bonus_decision",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("below_minimum", "below_minimum"),
                            ("not_first", "not_first"),
                            ("not_referred", "not_referred"),
                            ("referrer_gone", "referrer_gone"),
                            ("self_referral", "self_referral"),
                            ("cap_reached", "cap_reached"),
                            ("budget_spent", "budget_spent"),
                            ("held", "held"),
                            ("awarded", "awarded"),
                        ],
                        max_length=20,
                    ),
                ),
                ("checks", models.JSONField(blank=True, default=list)),
                ("taken_back", models.PositiveIntegerField(default=0)),
                ("completed_at", models.DateTimeField(null=True)),
                ("card_fingerprint", models.CharField(blank=True, max_length=64)),
                ("card_checked_at", models.DateTimeField(null=True)),
                ("card_asked_at", models.DateTimeField(null=True)),
                ("ledger_entry", ENTRY(related_name="payment")),
                (
                    "referral",
                    models.OneToOneField(
                        null=True,
                        on_delete=models.PROTECT,
                        related_name="payment",
                        to="referrals.referral",
                    ),
                ),
                ("user", USER(db_index=False, related_name="payments")),
            ],
            options={
                "db_table": "payments",
                "indexes": [
                    models.Index(fields=["user", "-id"], name="payments_of_user"),
                    models.Index(
                        condition=models.Q(("status", "paid")),
                        fields=["paid_at"],
                        include=("user", "bonus_decision"),
                        name="payments_paid",
                    ),
                    models.Index(
                        condition=models.Q(("card_fingerprint", ""), _negated=True),
                        fields=["card_fingerprint", "user"],
                        name="payments_by_card",
                    ),
                    models.Index(
                        models.OrderBy(models.F("card_asked_at"), nulls_first=True),
                        models.F("paid_at"),
                        condition=models.Q(("card_checked_at__isnull", True), ("status", "paid")),
                        name="payments_without_card",
                    ),
                    models.Index(
                        condition=models.Q(("completed_at__isnull", True), ("status", "pending")),
                        fields=["expires_at"],
                        name="payments_open",
                    ),
                    models.Index(
                        condition=models.Q(("status", "paid"), _negated=True),
                        fields=["status", "-id"],
                        name="payments_by_status",
                    ),
                    models.Index(
                        condition=models.Q(
                            ("bonus_decision__in", ["", "not_first", "not_referred"]), _negated=True
                        ),
                        fields=["bonus_decision", "-id"],
                        name="payments_by_decision",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount__gte", 1), ("amount__lte", 99999999)),
                        name="payments_amount_in_range",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("currency", "usd")), name="payments_in_us_dollars"
                    ),
                    models.UniqueConstraint(
                        fields=("user", "idempotency_key"), name="payments_asked_for_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("ledger_entry__isnull", False),
                                ("paid_at__isnull", False),
                                ("status", "paid"),
                            ),
                            models.Q(
                                models.Q(("status", "paid"), _negated=True),
                                ("ledger_entry__isnull", True),
                                ("paid_at__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="payments_paid_means_credited",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("taken_back__lte", models.F("amount"))),
                        name="payments_taken_back_at_most_given",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("taken_back", 0), ("status", "paid"), _connector="OR"),
                        name="payments_taken_back_once_paid",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("session_id__isnull", True), ("status__in", ["created", "expired"])
                            ),
                            models.Q(
                                models.Q(("status", "created"), _negated=True),
                                ("session_id__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="payments_have_a_session_once_pending",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Clawback",
            fields=[
                ("id", ID()),
                (
                    "kind",
                    models.CharField(
                        choices=[("refund", "Refund"), ("dispute", "Dispute")], max_length=10
                    ),
                ),
                ("stripe_id", models.CharField(max_length=255, unique=True)),
                ("payment_intent_id", models.CharField(db_index=True, max_length=255)),
                ("amount", models.PositiveIntegerField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("succeeded", "Succeeded"),
                            ("failed", "Failed"),
                            ("open", "Open"),
                            ("dismissed", "Dismissed"),
                            ("lost", "Lost"),
                            ("won", "Won"),
                        ],
                        max_length=10,
                    ),
                ),
                ("taken", models.PositiveIntegerField(default=0)),
                ("postings", models.PositiveSmallIntegerField(default=0)),
                ("created_at", models.DateTimeField()),
                ("ledger_entry", ENTRY(related_name="clawback")),
                (
                    "payment",
                    models.ForeignKey(
                        null=True,
                        on_delete=models.PROTECT,
                        related_name="clawbacks",
                        to="payments.payment",
                    ),
                ),
            ],
            options={
                "verbose_name": "refund or dispute",
                "verbose_name_plural": "refunds and disputes",
                "db_table": "clawbacks",
                "indexes": [
                    models.Index(fields=["kind", "-id"], name="clawbacks_by_kind"),
                    models.Index(fields=["status", "-id"], name="clawbacks_by_status"),
                    models.Index(
                        condition=models.Q(("payment__isnull", True)),
                        fields=["-id"],
                        name="clawbacks_waiting",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("kind", "refund"),
                                ("status__in", ["pending", "succeeded", "failed"]),
                            ),
                            models.Q(
                                ("kind", "dispute"),
                                ("status__in", ["open", "dismissed", "lost", "won"]),
                            ),
                            _connector="OR",
                        ),
                        name="clawbacks_status_of_their_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gte", 1)), name="clawbacks_of_something"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ledger_entry__isnull", True), ("taken", 0)),
                            models.Q(
                                ("ledger_entry__isnull", False),
                                ("payment__isnull", False),
                                ("taken__gt", 0),
                            ),
                            _connector="OR",
                        ),
                        name="clawbacks_take_by_an_entry",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StripeEvent",
            fields=[
                ("id", ID()),
                ("event_id", models.CharField(max_length=255, unique=True)),
                ("event_type", models.CharField(max_length=100)),
                ("body", models.BinaryField()),
                ("received_at", models.DateTimeField()),
                ("retry_at", models.DateTimeField()),
                ("attempts", models.PositiveIntegerField(default=0)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("received", "Received"),
                            ("settled", "Settled"),
                            ("repeated", "Repeated"),
                            ("applied", "Applied"),
                            ("deferred", "Deferred"),
                            ("waiting", "Waiting"),
                            ("closed", "Closed"),
                            ("ignored", "Ignored"),
                            ("quarantined", "Quarantined"),
                            ("failed", "Failed"),
                        ],
                        default="received",
                        max_length=12,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("last_error", models.TextField(blank=True)),
                ("processed_at", models.DateTimeField(null=True)),
                (
                    "payment",
                    models.ForeignKey(
                        null=True,
                        on_delete=models.PROTECT,
                        related_name="stripe_events",
                        to="payments.payment",
                    ),
                ),
            ],
            options={
                "verbose_name": "Stripe event",
                "db_table": "stripe_events",
                "permissions": [("replay_event", "Can replay Stripe's events")],
                "indexes": [
                    models.Index(
                        condition=models.Q(("processed_at__isnull", True)),
                        fields=["retry_at"],
                        name="stripe_events_unprocessed",
                    ),
                    models.Index(
                        condition=models.Q(("outcome__in", ["received", "settled"]), _negated=True),
                        fields=["outcome", "-id"],
                        name="stripe_events_by_outcome",
                    ),
                    models.Index(
                        condition=models.Q(
                            ("event_type", "checkout.session.completed"), _negated=True
                        ),
                        fields=["event_type", "-id"],
                        name="stripe_events_by_type",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("outcome__in", ["received", "failed"]),
                                ("processed_at__isnull", True),
                            ),
                            models.Q(
                                models.Q(("outcome__in", ["received", "failed"]), _negated=True),
                                ("processed_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="stripe_events_processed_has_an_outcome",
                    )
                ],
            },
        ),
    ]
