"""The table of seals: roots over the ledger's entries, each chained to the one before."""

from django.db import migrations, models

APPEND_ONLY = """
CREATE TRIGGER ledger_seals_append_only
    BEFORE UPDATE OR DELETE ON ledger_seals FOR EACH ROW
    EXECUTE FUNCTION refuse_change('ledger_seals_append_only', 'a seal is never changed');

CREATE TRIGGER ledger_seals_not_truncated
    BEFORE TRUNCATE ON ledger_seals FOR EACH STATEMENT
    EXECUTE FUNCTION refuse_change('ledger_seals_append_only', 'a seal is never changed');
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0015_approval_limit")]

    operations = [
        migrations.CreateModel(
            name="LedgerSeal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("last_entry_id", models.BigIntegerField(unique=True)),
                ("root", models.BinaryField()),
                ("previous_head", models.BinaryField(unique=True)),
                ("head", models.BinaryField(unique=True)),
                ("sealed_at", models.DateTimeField()),
            ],
            options={"db_table": "ledger_seals", "default_permissions": ()},
        ),
        migrations.RunSQL(APPEND_ONLY, migrations.RunSQL.noop),
    ]
