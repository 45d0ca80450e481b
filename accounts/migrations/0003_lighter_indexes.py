"""Settling a purchase writes to fewer indexes, and most often to none of `users`."""

import django.db.models.deletion
from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

# Django makes an index of text patterns beside each unique one. Nobody searches these columns by a
# beginning; names and addresses have indexes of their own for that.
UNUSED = (
    ("users", "username"),
    ("users", "referral_code"),
    ("api_keys", "digest"),
    ("ledger_entries", "idempotency_key"),
)
DROP = "\n".join(
    f"""
    DO $$ BEGIN
        EXECUTE (SELECT 'DROP INDEX ' || quote_ident(indexname) FROM pg_indexes
                 WHERE schemaname = current_schema() AND tablename = '{table}'
                   AND indexname LIKE '{table}\\_{column}\\_%\\_like');
    END $$;"""
    for table, column in UNUSED
)
RESTORE = "\n".join(
    f"CREATE INDEX {table}_{column}_again_like ON {table} ({column} varchar_pattern_ops);"
    for table, column in UNUSED
)

# Room on each page for the next version of a row.
ROOM = "ALTER TABLE users SET (fillfactor = 90)"
NO_ROOM = "ALTER TABLE users RESET (fillfactor)"


class Migration(migrations.Migration):
    atomic = False  # an index that is made concurrently locks nobody out

    dependencies = [("accounts", "0002_guards")]

    operations = [
        migrations.RunSQL(ROOM, NO_ROOM),
        migrations.RunSQL(DROP, RESTORE),
        RemoveIndexConcurrently("user", "users_by_first_purchase"),
        RemoveIndexConcurrently("user", "users_referred_by_code"),
        AddIndexConcurrently(
            "user",
            models.Index(
                condition=models.Q(("referred_by_code__isnull", False)),
                fields=["referred_by_code"],
                name="users_referred_by_code",
            ),
        ),
        RemoveIndexConcurrently("user", "users_invited_by_age"),
        AddIndexConcurrently(
            "user",
            models.Index(
                condition=models.Q(("referred_by_code__isnull", False)),
                fields=["created_at"],
                include=["id"],
                name="users_invited_by_age",
            ),
        ),
        AddIndexConcurrently(
            "ledgerentry",
            models.Index(
                condition=models.Q(("posted_by__isnull", False)),
                fields=["posted_by"],
                name="ledger_entries_by_operator",
            ),
        ),
        migrations.AlterField(
            "ledgerentry",
            "posted_by",
            models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
    ]
