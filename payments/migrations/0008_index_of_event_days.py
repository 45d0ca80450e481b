"""An index of the days on which events came: BRIN, so small that receiving one stays cheap."""

from django.contrib.postgres.indexes import BrinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False  # an index that is made concurrently locks nobody out

    dependencies = [("payments", "0007_resolved_events")]

    operations = [
        AddIndexConcurrently(
            "stripeevent",
            BrinIndex(fields=["received_at"], pages_per_range=16, name="stripe_events_by_time"),
        ),
    ]
