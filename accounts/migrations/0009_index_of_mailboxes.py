"""People are found by their mailbox."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index that is made concurrently locks nobody out

    dependencies = [("accounts", "0008_mailboxes_and_folded_names")]

    operations = [
        AddIndexConcurrently("user", models.Index(fields=["mailbox"], name="users_by_mailbox")),
    ]
