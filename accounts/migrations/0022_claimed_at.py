"""People say when they claimed their inviter's code, and operators may set a missing one."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0021_salt_of_seals")]

    operations = [
        migrations.AddField("user", "claimed_at", models.DateTimeField(editable=False, null=True)),
        migrations.AlterModelOptions(
            "user",
            {
                "permissions": [
                    ("deactivate_user", "Can deactivate and reactivate people"),
                    ("set_inviter", "Can set a missing inviter"),
                ]
            },
        ),
    ]
