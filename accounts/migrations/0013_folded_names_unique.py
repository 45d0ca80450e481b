"""User names are unique without regard to case in any locale."""

from django.db import migrations, models

UNIQUE = """
ALTER TABLE users
    ADD CONSTRAINT users_username_folded_unique UNIQUE USING INDEX users_username_folded_unique
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0012_index_of_folded_names")]

    operations = [
        migrations.RunSQL(
            UNIQUE,
            "ALTER TABLE users DROP CONSTRAINT users_username_folded_unique",
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
