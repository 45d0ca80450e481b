"""The database's own guards of adjustments: who decides, what stays, and that the ledger agrees."""

from django.db import migrations

# What was asked for stays; what was decided stays; nothing goes.
STAND = """
CREATE FUNCTION adjustments_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'adjustments stand: reverse it instead of %', TG_OP
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'adjustments_stand';
END $$;

CREATE TRIGGER adjustments_stand
    BEFORE UPDATE ON adjustments
    FOR EACH ROW WHEN (
        OLD.status <> 'waiting' OR
        (OLD.user_id, OLD.amount, OLD.category, OLD.reason, OLD.requested_by_id, OLD.requested_at,
         OLD.approval_limit, OLD.reverses_id, OLD.token)
        IS DISTINCT FROM
        (NEW.user_id, NEW.amount, NEW.category, NEW.reason, NEW.requested_by_id, NEW.requested_at,
         NEW.approval_limit, NEW.reverses_id, NEW.token))
    EXECUTE FUNCTION adjustments_refuse_change();

CREATE TRIGGER adjustments_stay
    BEFORE DELETE ON adjustments
    FOR EACH ROW EXECUTE FUNCTION adjustments_refuse_change();

CREATE TRIGGER adjustments_not_truncated
    BEFORE TRUNCATE ON adjustments
    FOR EACH STATEMENT EXECUTE FUNCTION adjustments_refuse_change();
"""

DROP_STAND = """
DROP TRIGGER adjustments_not_truncated ON adjustments;
DROP TRIGGER adjustments_stay ON adjustments;
DROP TRIGGER adjustments_stand ON adjustments;
DROP FUNCTION adjustments_refuse_change();
"""

# What an adjustment says of its limit is what it was told; this is what the program was started with.
ALONE = """
CREATE FUNCTION adjustments_check_alone() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    said text := current_setting('gatewayz.adjustment_approval_limit', true);
BEGIN
    IF abs(NEW.amount) > COALESCE(NULLIF(said, ''), '0')::numeric THEN
        RAISE EXCEPTION 'an adjustment by % takes two people', NEW.amount
            USING ERRCODE = 'check_violation', CONSTRAINT = 'adjustments_alone_within_the_limit';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER adjustments_alone_within_the_limit
    AFTER INSERT OR UPDATE ON adjustments
    FOR EACH ROW WHEN (NEW.status = 'posted' AND NEW.decided_by_id IS NULL)
    EXECUTE FUNCTION adjustments_check_alone();
"""

DROP_ALONE = """
DROP TRIGGER adjustments_alone_within_the_limit ON adjustments;
DROP FUNCTION adjustments_check_alone();
"""

# The second person is one who may approve at that moment: by herself, by a group, or by being a
# superuser.
DECIDER = """
CREATE FUNCTION adjustments_check_decider() RETURNS trigger LANGUAGE plpgsql AS $$
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
        RAISE EXCEPTION 'user % may not decide on adjustments', NEW.decided_by_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'adjustments_decider_may';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER adjustments_decider_may
    BEFORE INSERT OR UPDATE ON adjustments
    FOR EACH ROW WHEN (NEW.decided_by_id IS NOT NULL)
    EXECUTE FUNCTION adjustments_check_decider();
"""

DROP_DECIDER = """
DROP TRIGGER adjustments_decider_may ON adjustments;
DROP FUNCTION adjustments_check_decider();
"""

# At commit an adjustment and its entry say the same of the same account, whichever was written; a
# reversal's entry is the reversal of the entry of what it reverses.
ENTRY = """
CREATE FUNCTION adjustments_check_entry() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    entry bigint;
BEGIN
    IF TG_TABLE_NAME = 'adjustments' THEN
        entry := NEW.ledger_entry_id;
    ELSIF NEW.kind = 'adjustment' OR EXISTS (
        SELECT FROM ledger_entries WHERE id = NEW.reverses_id AND kind = 'adjustment')
    THEN
        entry := NEW.id;
    ELSE
        RETURN NULL;
    END IF;
    IF NOT EXISTS (
        SELECT FROM ledger_entries e
        JOIN adjustments a ON a.ledger_entry_id = e.id
            AND a.user_id = e.user_id AND a.amount = e.amount
        LEFT JOIN adjustments o ON o.id = a.reverses_id
        WHERE e.id = entry AND ((a.reverses_id IS NULL AND e.kind = 'adjustment')
            OR (e.kind = 'reversal' AND e.reverses_id = o.ledger_entry_id)))
    THEN
        RAISE EXCEPTION 'entry % is not what an adjustment posted', entry
            USING ERRCODE = 'check_violation', CONSTRAINT = 'adjustments_match_the_ledger';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER adjustments_match_the_ledger
    AFTER INSERT OR UPDATE ON adjustments DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.ledger_entry_id IS NOT NULL)
    EXECUTE FUNCTION adjustments_check_entry();

CREATE CONSTRAINT TRIGGER ledger_matches_the_adjustments
    AFTER INSERT ON ledger_entries DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.kind IN ('adjustment', 'reversal'))
    EXECUTE FUNCTION adjustments_check_entry();
"""

DROP_ENTRY = """
DROP TRIGGER ledger_matches_the_adjustments ON ledger_entries;
DROP TRIGGER adjustments_match_the_ledger ON adjustments;
DROP FUNCTION adjustments_check_entry();
"""

# Refunds and disputes may lead into debt, an operator may not (CONTRACT 2.7).
DEBT = """
CREATE FUNCTION adjustments_check_debt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM ledger_entries WHERE id = NEW.ledger_entry_id AND balance_after < 0)
    THEN
        RAISE EXCEPTION 'an adjustment by % puts user % into debt', NEW.amount, NEW.user_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'adjustments_make_no_debt';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER adjustments_make_no_debt
    AFTER INSERT OR UPDATE ON adjustments DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.ledger_entry_id IS NOT NULL AND NEW.amount < 0)
    EXECUTE FUNCTION adjustments_check_debt();
"""

DROP_DEBT = """
DROP TRIGGER adjustments_make_no_debt ON adjustments;
DROP FUNCTION adjustments_check_debt();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_adjustments")]

    operations = [
        migrations.RunSQL(STAND, DROP_STAND),
        migrations.RunSQL(ALONE, DROP_ALONE),
        migrations.RunSQL(DECIDER, DROP_DECIDER),
        migrations.RunSQL(ENTRY, DROP_ENTRY),
        migrations.RunSQL(DEBT, DROP_DEBT),
    ]
