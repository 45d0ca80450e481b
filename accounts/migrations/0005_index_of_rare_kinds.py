"""The kinds of entry that are neither purchases nor bonuses are listed by an index of their own."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

FREQUENT = ["purchase", "referrer_bonus", "referee_bonus"]


class Migration(migrations.Migration):
    atomic = False  # an index that is made concurrently locks nobody out

    dependencies = [("accounts", "0004_index_of_bonuses")]

    operations = [
        AddIndexConcurrently(
            "ledgerentry",
            models.Index(
                condition=models.Q(("kind__in", FREQUENT), _negated=True),
                fields=["kind", "-id"],
                name="ledger_rare_kinds",
            ),
        ),
    ]
