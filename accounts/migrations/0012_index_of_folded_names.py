"""The index of the constraint that follows."""

from django.db import migrations

INDEX = "CREATE UNIQUE INDEX CONCURRENTLY users_username_folded_unique ON users (username_folded)"


class Migration(migrations.Migration):
    atomic = False  # an index that is made concurrently locks nobody out

    dependencies = [("accounts", "0011_fold_names")]

    # Backwards, the constraint has taken its index with it.
    operations = [migrations.RunSQL(INDEX, migrations.RunSQL.noop)]
