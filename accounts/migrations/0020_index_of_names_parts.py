"""People are found by any part of their name or e-mail."""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations
from django.db.models.functions import Lower


class Migration(migrations.Migration):
    atomic = False  # an index that is made concurrently locks nobody out

    dependencies = [("accounts", "0019_trigrams")]

    operations = [
        AddIndexConcurrently(
            "user",
            GinIndex(
                OpClass(Lower("username"), name="gin_trgm_ops"),
                OpClass(Lower("email"), name="gin_trgm_ops"),
                name="users_by_part_of_name",
                fastupdate=False,
            ),
        ),
    ]
