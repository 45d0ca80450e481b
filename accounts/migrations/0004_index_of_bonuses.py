"""Bonuses of both sides are listed by one index."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index that is made concurrently locks nobody out

    dependencies = [("accounts", "0003_lighter_indexes")]

    operations = [
        AddIndexConcurrently(
            "ledgerentry",
            models.Index(
                condition=models.Q(("kind__in", ["referrer_bonus", "referee_bonus"])),
                fields=["-id"],
                name="ledger_bonuses",
            ),
        ),
    ]
