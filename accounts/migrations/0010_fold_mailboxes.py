"""Everybody's mailbox is filled in."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from accounts.people import refold_mailboxes


def fold(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    users = apps.get_model("accounts", "User").objects.using(schema_editor.connection.alias)
    refold_mailboxes(users.all())


class Migration(migrations.Migration):
    atomic = False  # the rows change a batch at a time; what is done is not done again

    dependencies = [("accounts", "0009_index_of_mailboxes")]

    operations = [migrations.RunPython(fold, migrations.RunPython.noop)]
