"""The adjustments of each closed day; the job `close_days` fills them for earlier days."""

from django.db import migrations

from accounts.money import MoneyField


class Migration(migrations.Migration):
    dependencies = [("payments", "0004_events_without_body")]

    operations = [
        migrations.AddField("dailytotals", "adjustments", MoneyField(null=True)),
        migrations.AddField("dailytotals", "adjustments_reversed", MoneyField(null=True)),
    ]
