"""A payment has a key at Stripe that no other database uses."""

from uuid import uuid4

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0001_initial")]

    # First without a default, which Django would write to every row, and the same to each.
    operations = [
        migrations.AddField("payment", "stripe_key", models.UUIDField(editable=False, null=True)),
        migrations.AlterField(
            "payment",
            "stripe_key",
            models.UUIDField(default=uuid4, editable=False, null=True),
        ),
    ]
