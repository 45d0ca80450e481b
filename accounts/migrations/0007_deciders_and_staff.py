"""Who decides on anything may do so, and nobody alone credits the account of staff."""

from django.db import migrations

# The trigger's name is the constraint to report, so that terms are decided by the same rule.
DECIDER = """
CREATE OR REPLACE FUNCTION adjustments_check_decider() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    needed integer;
BEGIN
    SELECT p.id INTO needed
        FROM auth_permission p JOIN django_content_type c ON c.id = p.content_type_id
        WHERE c.app_label = 'accounts' AND p.codename = 'approve_adjustment';
    IF NOT EXISTS (
        SELECT FROM users u WHERE u.id = NEW.decided_by_id AND u.is_active AND (
            u.is_superuser
            OR EXISTS (SELECT FROM users_user_permissions
                       WHERE user_id = u.id AND permission_id = needed)
            OR EXISTS (SELECT FROM users_groups g
                       JOIN auth_group_permissions p ON p.group_id = g.group_id
                       WHERE g.user_id = u.id AND p.permission_id = needed)))
    THEN
        RAISE EXCEPTION 'user % may not decide on %', NEW.decided_by_id, TG_TABLE_NAME
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
"""

# Colleagues cannot credit each other. A reversal gives back what an adjustment took.
STAFF = """
CREATE FUNCTION adjustments_check_staff() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM users WHERE id = NEW.user_id AND (is_staff OR is_superuser)) THEN
        RAISE EXCEPTION 'user % is staff, and gets no credits by hand', NEW.user_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'adjustments_not_for_staff';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER adjustments_not_for_staff
    AFTER INSERT OR UPDATE ON adjustments
    FOR EACH ROW WHEN (NEW.amount > 0 AND NEW.reverses_id IS NULL AND NEW.status <> 'rejected')
    EXECUTE FUNCTION adjustments_check_staff();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_no_index_by_kind")]

    # The function as it was before reports the same constraint for adjustments.
    operations = [
        migrations.RunSQL(DECIDER, migrations.RunSQL.noop),
        migrations.RunSQL(STAFF, "DROP FUNCTION adjustments_check_staff() CASCADE"),
    ]
