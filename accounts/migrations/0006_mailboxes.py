"""A person's mailbox is stored, to find others with the same one."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from accounts.people import refold_mailboxes


def fold(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    users = apps.get_model("accounts", "User").objects.using(schema_editor.connection.alias)
    refold_mailboxes(users.all())


class Migration(migrations.Migration):
    # Neither the index nor the rows, which change a batch at a time, lock anybody out.
    atomic = False

    dependencies = [("accounts", "0005_deciders_and_staff")]

    operations = [
        migrations.AddField(
            "user", "mailbox", models.CharField(editable=False, max_length=320, null=True)
        ),
        AddIndexConcurrently("user", models.Index(fields=["mailbox"], name="users_by_mailbox")),
        migrations.RunPython(fold, migrations.RunPython.noop),
    ]
