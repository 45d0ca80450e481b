"""People choose what their referrer sees of them; a default in the database, for older code."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0016_ledger_seals")]

    operations = [
        migrations.AddField(
            "user",
            "show_to_referrer",
            models.CharField(
                choices=[
                    ("username", "Username"),
                    ("initials", "Initials"),
                    ("hidden", "Hidden"),
                ],
                db_default="username",
                editable=False,
                max_length=8,
            ),
        ),
    ]
