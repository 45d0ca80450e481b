"""People switch kinds of e-mails off; a default in the database, for older code."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0017_shown_to_the_referrer")]

    operations = [
        migrations.AddField(
            "user",
            "emails_off",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=20),
                db_default=[],
                editable=False,
                size=None,
            ),
        ),
    ]
