"""A person's mailbox is stored, to find others with the same one, and so is the folded name."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_deciders_and_staff")]

    operations = [
        migrations.AddField(
            "user", "mailbox", models.CharField(editable=False, max_length=320, null=True)
        ),
        migrations.AddField(
            "user", "username_folded", models.CharField(editable=False, max_length=450, null=True)
        ),
    ]
