"""Bonuses of both sides are listed by one index, and the other kinds but purchases by another."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

BONUSES = ["referrer_bonus", "referee_bonus"]


class Migration(migrations.Migration):
    atomic = False  # an index that is made concurrently locks nobody out

    dependencies = [("accounts", "0003_lighter_indexes")]

    operations = [
        AddIndexConcurrently(
            "ledgerentry",
            models.Index(
                condition=models.Q(("kind__in", BONUSES)), fields=["-id"], name="ledger_bonuses"
            ),
        ),
        AddIndexConcurrently(
            "ledgerentry",
            models.Index(
                condition=models.Q(("kind__in", ["purchase", *BONUSES]), _negated=True),
                fields=["kind", "-id"],
                name="ledger_rare_kinds",
            ),
        ),
        RemoveIndexConcurrently("ledgerentry", "ledger_by_kind"),
    ]
