"""People are found by the network address that they signed up from."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index that is made concurrently locks nobody out

    dependencies = [("accounts", "0024_index_of_reasons")]

    operations = [
        AddIndexConcurrently(
            "user",
            models.Index(
                fields=["signup_address"],
                condition=~models.Q(signup_address=""),
                name="users_by_signup_address",
            ),
        ),
    ]
