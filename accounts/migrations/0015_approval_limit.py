"""The approval limit is a row, which only the owner of the tables writes (`accounts.apps`)."""

from django.db import migrations, models

from accounts.money import MoneyField
from accounts.search_path import fix_search_path

# A function that is replaced loses its path.
PATH = fix_search_path("adjustments_check_alone()")

ALONE = """
CREATE OR REPLACE FUNCTION adjustments_check_alone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF abs(NEW.amount) > COALESCE((SELECT amount FROM approval_limits), 0) THEN
        RAISE EXCEPTION 'an adjustment by % takes two people', NEW.amount
            USING ERRCODE = 'check_violation', CONSTRAINT = 'adjustments_alone_within_the_limit';
    END IF;
    RETURN NULL;
END $$;
"""

ALONE_BEFORE = """
CREATE OR REPLACE FUNCTION adjustments_check_alone() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    said text := current_setting('gatewayz.adjustment_approval_limit', true);
BEGIN
    IF abs(NEW.amount) > COALESCE(NULLIF(said, ''), '0')::numeric THEN
        RAISE EXCEPTION 'an adjustment by % takes two people', NEW.amount
            USING ERRCODE = 'check_violation', CONSTRAINT = 'adjustments_alone_within_the_limit';
    END IF;
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0014_search_path")]

    operations = [
        migrations.CreateModel(
            name="ApprovalLimit",
            fields=[
                (
                    "id",
                    models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False),
                ),
                ("amount", MoneyField()),
            ],
            options={
                "db_table": "approval_limits",
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="approval_limits_one_row"
                    )
                ],
            },
        ),
        migrations.RunSQL([ALONE, PATH.sql], [ALONE_BEFORE, PATH.sql]),
    ]
