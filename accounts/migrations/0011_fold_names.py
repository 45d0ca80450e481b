"""Everybody's folded name is filled in."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from accounts.people import fold_names

# Of people whose names are one without regard to case all keep them; the first one keeps others
# from taking it as well.
LATER_ONES = """
UPDATE users SET username_folded = NULL WHERE id IN (
    SELECT id FROM (
        SELECT id, row_number() OVER (PARTITION BY username_folded ORDER BY id) FROM users
        WHERE username_folded IS NOT NULL) numbered
    WHERE row_number > 1)
"""


def fold(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    users = apps.get_model("accounts", "User").objects.using(schema_editor.connection.alias)
    fold_names(users.all())


class Migration(migrations.Migration):
    atomic = False  # the rows change a batch at a time; both steps may be done again

    dependencies = [("accounts", "0010_fold_mailboxes")]

    operations = [
        migrations.RunPython(fold, migrations.RunPython.noop),
        migrations.RunSQL(LATER_ONES, migrations.RunSQL.noop),
    ]
