"""An index of the events whose body retention has removed: it is empty, and stays small."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index that is made concurrently locks nobody out

    dependencies = [("payments", "0003_longer_event_types")]

    operations = [
        AddIndexConcurrently(
            "stripeevent",
            models.Index(
                condition=models.Q(("body", b"")),
                fields=["-id"],
                name="stripe_events_without_body",
            ),
        ),
    ]
