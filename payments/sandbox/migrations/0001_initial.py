"""The tables of the sandbox: what it plays of Stripe's."""

import django.utils.timezone
from functools import partial

from django.db import migrations, models

ID = partial(
    models.BigAutoField, auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
)


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="AnsweredKey",
            fields=[
                ("id", ID()),
                ("key", models.CharField(max_length=255, unique=True)),
                ("parameters", models.TextField()),
                ("body", models.TextField()),
                ("created_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="CheckoutSession",
            fields=[
                ("id", ID()),
                ("stripe_id", models.CharField(max_length=80, unique=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("status", models.CharField(default="open", max_length=10)),
                ("payment_status", models.CharField(default="unpaid", max_length=10)),
                ("amount_total", models.PositiveBigIntegerField()),
                ("product_name", models.TextField()),
                ("success_url", models.TextField()),
                ("cancel_url", models.TextField()),
                ("pay_url", models.TextField()),
                ("client_reference_id", models.CharField(max_length=200, null=True)),
                ("metadata", models.JSONField(default=dict)),
                ("payment_intent_metadata", models.JSONField(default=dict)),
                ("payer_email", models.CharField(max_length=800, null=True)),
                ("payer_name", models.CharField(max_length=200, null=True)),
                ("expires_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="DeliverySwitch",
            fields=[("id", ID()), ("is_paused", models.BooleanField(default=False))],
        ),
        migrations.CreateModel(
            name="Event",
            fields=[
                ("id", ID()),
                ("stripe_id", models.CharField(max_length=80, unique=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("type", models.CharField(max_length=80)),
                ("body", models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name="PaymentIntent",
            fields=[
                ("id", ID()),
                ("stripe_id", models.CharField(max_length=80, unique=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("status", models.CharField(default="requires_payment_method", max_length=30)),
                ("settles_at", models.DateTimeField(null=True)),
                ("will_fail", models.BooleanField(default=False)),
                (
                    "session",
                    models.OneToOneField(
                        on_delete=models.CASCADE,
                        related_name="payment_intent",
                        to="stripe_sandbox.checkoutsession",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Charge",
            fields=[
                ("id", ID()),
                ("stripe_id", models.CharField(max_length=80, unique=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("status", models.CharField(max_length=10)),
                ("payment_method_details", models.JSONField()),
                ("refund_course", models.CharField(default="at_once", max_length=20)),
                ("failure_code", models.CharField(max_length=50, null=True)),
                ("failure_message", models.CharField(max_length=200, null=True)),
                (
                    "payment_intent",
                    models.ForeignKey(
                        on_delete=models.CASCADE,
                        related_name="charges",
                        to="stripe_sandbox.paymentintent",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Dispute",
            fields=[
                ("id", ID()),
                ("stripe_id", models.CharField(max_length=80, unique=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("amount", models.PositiveBigIntegerField()),
                ("case_type", models.CharField(max_length=10)),
                ("status", models.CharField(max_length=30)),
                (
                    "charge",
                    models.ForeignKey(
                        on_delete=models.CASCADE,
                        related_name="disputes",
                        to="stripe_sandbox.charge",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Refund",
            fields=[
                ("id", ID()),
                ("stripe_id", models.CharField(max_length=80, unique=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("amount", models.PositiveBigIntegerField()),
                ("status", models.CharField(max_length=10)),
                ("settles_at", models.DateTimeField(null=True)),
                (
                    "charge",
                    models.ForeignKey(
                        on_delete=models.CASCADE, related_name="refunds", to="stripe_sandbox.charge"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("id", ID()),
                ("status", models.CharField(default="pending", max_length=10)),
                ("created_at", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("last_http_status", models.PositiveIntegerField(null=True)),
                ("last_error", models.CharField(blank=True, max_length=200)),
                (
                    "event",
                    models.ForeignKey(
                        on_delete=models.CASCADE,
                        related_name="deliveries",
                        to="stripe_sandbox.event",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["status", "due_at"], name="stripe_sandbox_delivery_due")
                ]
            },
        ),
    ]
