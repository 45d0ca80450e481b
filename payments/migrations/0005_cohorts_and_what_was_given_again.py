"""Count cohorts by the day, and what refunds and disputes took apart from what was given again."""

from decimal import Decimal

import django.contrib.postgres.fields
from django.db import migrations, models

# What is kept of a day is counted anew by the next `close_days`, and live until then.
FORGET = "DELETE FROM daily_figures"


def ages(whose: str) -> django.contrib.postgres.fields.ArrayField:
    return django.contrib.postgres.fields.ArrayField(
        base_field=models.PositiveIntegerField(),
        db_default=[],
        help_text=f"Days from sign-up to each first {whose} of somebody referred.",
        size=None,
    )


class Migration(migrations.Migration):
    dependencies = [("payments", "0004_cards_asked_for")]

    operations = [
        migrations.AddField("dailyfigures", "ages_at_purchase", ages("purchase")),
        migrations.AddField("dailyfigures", "ages_at_qualifying", ages("qualifying purchase")),
        migrations.AddField(
            model_name="dailyfigures",
            name="given_again",
            field=models.DecimalField(
                db_default=Decimal(0),
                decimal_places=2,
                help_text="US dollars, as a refund failed or a dispute was won.",
                max_digits=14,
            ),
        ),
        migrations.AlterField(
            model_name="dailyfigures",
            name="refunds",
            field=models.DecimalField(
                decimal_places=2, help_text="US dollars that refunds took back.", max_digits=14
            ),
        ),
        migrations.AlterField(
            model_name="dailyfigures",
            name="disputes",
            field=models.DecimalField(
                decimal_places=2, help_text="US dollars that disputes took back.", max_digits=14
            ),
        ),
        migrations.RunSQL(FORGET, FORGET),
    ]
