"""User names are unique without regard to case in any locale."""

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from accounts.people import fold_names


def fold(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    users = apps.get_model("accounts", "User").objects.using(schema_editor.connection.alias)
    fold_names(users.all())


# Of people whose names are one without regard to case all keep them; the first one keeps others
# from taking it as well.
LATER_ONES = """
UPDATE users SET username_folded = NULL WHERE id IN (
    SELECT id FROM (
        SELECT id, row_number() OVER (PARTITION BY username_folded ORDER BY id) FROM users
        WHERE username_folded IS NOT NULL) numbered
    WHERE row_number > 1)
"""
UNIQUE = [
    "CREATE UNIQUE INDEX CONCURRENTLY users_username_folded_unique ON users (username_folded)",
    "ALTER TABLE users"
    " ADD CONSTRAINT users_username_folded_unique UNIQUE USING INDEX users_username_folded_unique",
]
NOT_UNIQUE = "ALTER TABLE users DROP CONSTRAINT users_username_folded_unique"


class Migration(migrations.Migration):
    # Neither the index nor the rows, which change a batch at a time, lock anybody out.
    atomic = False

    dependencies = [("accounts", "0006_mailboxes")]

    operations = [
        migrations.AddField(
            "user", "username_folded", models.CharField(editable=False, max_length=450, null=True)
        ),
        migrations.RunPython(fold, migrations.RunPython.noop),
        migrations.RunSQL(LATER_ONES, migrations.RunSQL.noop),
        migrations.RunSQL(
            UNIQUE,
            NOT_UNIQUE,
            state_operations=[
                migrations.AddConstraint(
                    "user",
                    models.UniqueConstraint(
                        fields=("username_folded",), name="users_username_folded_unique"
                    ),
                )
            ],
        ),
    ]
