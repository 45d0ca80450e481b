"""Operators filter the list of keys by the day on which a key was made."""

from django.contrib.postgres.indexes import BrinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False  # an index that is made concurrently locks nobody out

    dependencies = [("accounts", "0028_erased_people")]

    operations = [
        AddIndexConcurrently(
            "apikey",
            BrinIndex(fields=["created_at"], name="api_keys_by_time", pages_per_range=16),
        ),
    ]
