"""The audit log, which the database lets nobody change, and what operators may do."""

import django.core.serializers.json
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


APPEND_ONLY = """
CREATE FUNCTION audit_entries_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only: no %', TG_OP
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'audit_entries_append_only';
END $$;

CREATE TRIGGER audit_entries_append_only
    BEFORE UPDATE OR DELETE ON audit_entries
    FOR EACH ROW EXECUTE FUNCTION audit_entries_refuse_change();

CREATE TRIGGER audit_entries_not_truncated
    BEFORE TRUNCATE ON audit_entries
    FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_refuse_change();
"""

DROP_APPEND_ONLY = """
DROP TRIGGER audit_entries_not_truncated ON audit_entries;
DROP TRIGGER audit_entries_append_only ON audit_entries;
DROP FUNCTION audit_entries_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_limit_windows"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="apikey",
            options={"permissions": [("manage_keys", "Can revoke and rotate API keys")]},
        ),
        migrations.AlterModelOptions(
            name="user",
            options={"permissions": [("deactivate_user", "Can deactivate and reactivate people")]},
        ),
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "action",
                    models.CharField(help_text="What was done: release bonus.", max_length=50),
                ),
                (
                    "target_type",
                    models.CharField(help_text="To what: accounts.user.", max_length=100),
                ),
                (
                    "target_id",
                    models.BigIntegerField(help_text="Empty when it was a whole list.", null=True),
                ),
                (
                    "target_label",
                    models.CharField(help_text="What it was called then.", max_length=200),
                ),
                ("reason", models.CharField(blank=True, max_length=500)),
                (
                    "before",
                    models.JSONField(
                        default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder
                    ),
                ),
                (
                    "after",
                    models.JSONField(
                        default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        db_index=False,
                        help_text="The operator; empty when it was done on the command line.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "audit log",
                "db_table": "audit_entries",
                "permissions": [("export", "Can export lists")],
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(
                        fields=["target_type", "target_id", "-id"], name="audit_of_target"
                    ),
                    models.Index(fields=["by", "-id"], name="audit_by_person"),
                    models.Index(fields=["action", "-id"], name="audit_by_action"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("action", ""), _negated=True),
                        name="audit_names_the_action",
                    )
                ],
            },
        ),
        migrations.RunSQL(APPEND_ONLY, DROP_APPEND_ONLY),
    ]
