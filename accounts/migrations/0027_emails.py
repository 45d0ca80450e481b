"""The tables of e-mails that are to be sent, and of how far their causes have been read."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


# Nobody gets an e-mail about what happened before.
FROM_NOW_ON = """
INSERT INTO email_sources ("table", last_id)
SELECT 'users', COALESCE(MAX(id), 0) FROM users
UNION ALL SELECT 'ledger_entries', COALESCE(MAX(id), 0) FROM ledger_entries
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0026_reversed_and_withdrawn"),
    ]

    operations = [
        migrations.CreateModel(
            name="EmailSource",
            fields=[
                ("table", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("last_id", models.BigIntegerField()),
            ],
            options={
                "db_table": "email_sources",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Email",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "template",
                    models.CharField(
                        choices=[
                            ("welcome", "Welcome"),
                            ("friend_signed_up", "Friend Signed Up"),
                            ("bonus_earned", "Bonus Earned"),
                            ("bonus_taken_back", "Bonus Taken Back"),
                            ("bonus_held", "Bonus Held"),
                            ("adjustment", "Adjustment"),
                        ],
                        max_length=20,
                    ),
                ),
                ("cause_id", models.BigIntegerField()),
                ("caused_at", models.DateTimeField()),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("sent", "Sent"),
                            ("switched_off", "Switched Off"),
                            ("no_recipient", "No Recipient"),
                            ("too_old", "Too Old"),
                            ("refused", "Refused"),
                        ],
                        default="waiting",
                        max_length=12,
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("due_at", models.DateTimeField()),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="emails",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "emails",
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(
                        condition=models.Q(("outcome", "waiting")),
                        fields=["due_at"],
                        name="emails_due",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("template", "cause_id", "user"), name="emails_one_for_each_cause"
                    )
                ],
            },
        ),
        migrations.RunSQL(FROM_NOW_ON, migrations.RunSQL.noop),
    ]
