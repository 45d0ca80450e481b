"""The windows in which limits count; not logged, see `LimitWindow`."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_ledger_guards"),
    ]

    operations = [
        migrations.CreateModel(
            name="LimitWindow",
            fields=[
                (
                    "key",
                    models.BinaryField(
                        help_text="An HMAC of what and who.", primary_key=True, serialize=False
                    ),
                ),
                ("uses", models.PositiveIntegerField()),
                ("ends_at", models.DateTimeField(db_index=True)),
            ],
            options={
                "db_table": "limit_windows",
            },
        ),
        migrations.RunSQL(
            "ALTER TABLE limit_windows SET UNLOGGED", "ALTER TABLE limit_windows SET LOGGED"
        ),
    ]
