"""People can be erased; the audit log then loses their name, and nothing else (CONTRACT 2.14)."""

from django.db import migrations, models

from accounts.search_path import fix_search_path

# What an entry of the log says of a person by name: the label, and values of an edit of the person.
NAMELESS = """
CREATE FUNCTION audit_entry_nameless(entry audit_entries) RETURNS audit_entries
    LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    entry.target_label := concat_ws(' ', entry.target_type, entry.target_id);
    IF entry.target_type = 'accounts.user' THEN
        entry.before := entry.before - '{username,email,first_name,last_name}'::text[];
        entry.after := entry.after - '{username,email,first_name,last_name}'::text[];
    END IF;
    RETURN entry;
END $$;

CREATE FUNCTION audit_entry_person(entry audit_entries) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT CASE entry.target_type
        WHEN 'accounts.user' THEN entry.target_id
        WHEN 'accounts.adjustment' THEN
            (SELECT user_id FROM adjustments WHERE id = entry.target_id)
        WHEN 'accounts.apikey' THEN (SELECT user_id FROM api_keys WHERE id = entry.target_id) END
$$;
"""

# Whoever updates an entry, with whatever program, can take the name of an erased person out, and
# can do nothing else.
GUARD = """
CREATE FUNCTION audit_entries_check_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW IS NOT DISTINCT FROM audit_entry_nameless(OLD) AND EXISTS (
        SELECT FROM users WHERE id = audit_entry_person(OLD) AND erased_at IS NOT NULL)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the audit log is append-only (refused: %)', TG_OP
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'audit_entries_append_only';
END $$;

CREATE OR REPLACE TRIGGER audit_entries_append_only
    BEFORE UPDATE OR DELETE ON audit_entries FOR EACH ROW
    EXECUTE FUNCTION audit_entries_check_change();
"""
GUARD_BEFORE = """
CREATE OR REPLACE TRIGGER audit_entries_append_only
    BEFORE UPDATE OR DELETE ON audit_entries FOR EACH ROW
    EXECUTE FUNCTION refuse_change('audit_entries_append_only', 'the audit log is append-only');
DROP FUNCTION audit_entries_check_change();
"""

# The program's role may not update the log at all, so the owner's rights do it here.
ERASE = """
CREATE FUNCTION erase_from_audit(person bigint) RETURNS void LANGUAGE sql SECURITY DEFINER AS $$
    UPDATE audit_entries entry SET target_label = (audit_entry_nameless(entry)).target_label,
        before = (audit_entry_nameless(entry)).before, after = (audit_entry_nameless(entry)).after
    WHERE target_type = 'accounts.user' AND target_id = person
       OR target_type = 'accounts.adjustment'
          AND target_id IN (SELECT id FROM adjustments WHERE user_id = person)
       OR target_type = 'accounts.apikey'
          AND target_id IN (SELECT id FROM api_keys WHERE user_id = person)
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0027_emails")]

    operations = [
        migrations.AddField("user", "erased_at", models.DateTimeField(editable=False, null=True)),
        migrations.AlterModelOptions(
            "user",
            {
                "permissions": [
                    ("deactivate_user", "Can deactivate and reactivate people"),
                    ("set_inviter", "Can set a missing inviter"),
                    ("erase_user", "Can export and erase people"),
                ]
            },
        ),
        migrations.RunSQL(
            NAMELESS,
            "DROP FUNCTION audit_entry_person(audit_entries);"
            "DROP FUNCTION audit_entry_nameless(audit_entries);",
        ),
        migrations.RunSQL(GUARD, GUARD_BEFORE),
        migrations.RunSQL(ERASE, "DROP FUNCTION erase_from_audit(bigint)"),
        fix_search_path(
            "audit_entry_nameless(audit_entries)",
            "audit_entry_person(audit_entries)",
            "audit_entries_check_change()",
            "erase_from_audit(bigint)",
        ),
    ]
