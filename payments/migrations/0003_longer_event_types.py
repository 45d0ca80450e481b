"""Stripe's names of event types are longer than ours were."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0002_keys_at_stripe")]

    # PostgreSQL widens the column without reading a row.
    operations = [
        migrations.AlterField("stripeevent", "event_type", models.CharField(max_length=255)),
    ]
