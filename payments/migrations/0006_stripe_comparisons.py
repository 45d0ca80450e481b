"""What a comparison with Stripe's balance found, kept for each span of days."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0005_adjustments_of_days")]

    operations = [
        migrations.CreateModel(
            name="StripeComparison",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("first", models.DateField()),
                ("last", models.DateField()),
                ("requested_at", models.DateTimeField()),
                ("compared_at", models.DateTimeField(null=True)),
                ("error", models.CharField(blank=True, max_length=500)),
                ("result", models.JSONField(null=True)),
            ],
            options={
                "db_table": "stripe_comparisons",
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("first", "last"), name="stripe_comparisons_once"
                    )
                ],
            },
        ),
    ]
