"""The database's own guards: they hold whoever writes, with whatever program (CONTRACT 3)."""

from django.db import migrations

# Refuses what fires it. The trigger names the constraint to report, and the sentence to say.
REFUSE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% (refused: %)', TG_ARGV[1], TG_OP
        USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_ARGV[0];
END $$;
"""

APPEND_ONLY = """
CREATE TRIGGER ledger_entries_append_only
    BEFORE UPDATE OR DELETE ON ledger_entries FOR EACH ROW
    EXECUTE FUNCTION refuse_change('ledger_entries_append_only',
        'ledger entries are append-only: post a reversal instead');

CREATE TRIGGER ledger_entries_not_truncated
    BEFORE TRUNCATE ON ledger_entries FOR EACH STATEMENT
    EXECUTE FUNCTION refuse_change('ledger_entries_append_only',
        'ledger entries are append-only: post a reversal instead');

CREATE TRIGGER audit_entries_append_only
    BEFORE UPDATE OR DELETE ON audit_entries FOR EACH ROW
    EXECUTE FUNCTION refuse_change('audit_entries_append_only', 'the audit log is append-only');

CREATE TRIGGER audit_entries_not_truncated
    BEFORE TRUNCATE ON audit_entries FOR EACH STATEMENT
    EXECUTE FUNCTION refuse_change('audit_entries_append_only', 'the audit log is append-only');
"""

# Who referred whom decides who is paid, so it is fixed at registration (CONTRACT 2.2).
ATTRIBUTION = """
CREATE TRIGGER users_attributed_once
    BEFORE UPDATE OF referred_by_code ON users FOR EACH ROW
    WHEN (OLD.referred_by_code IS DISTINCT FROM NEW.referred_by_code)
    EXECUTE FUNCTION refuse_change('users_attributed_once',
        'a person is attributed at registration, once and for all');
"""

# Each entry continues from the previous one of the same user. Its number is unique for the user,
# so that of two posted at once only one can come next.
CHAIN = """
CREATE FUNCTION ledger_entries_check_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    balance numeric;
    latest integer;
BEGIN
    SELECT balance_after, number INTO balance, latest FROM ledger_entries
        WHERE user_id = NEW.user_id ORDER BY number DESC LIMIT 1;
    IF NEW.balance_after <> COALESCE(balance, 0) + NEW.amount THEN
        RAISE EXCEPTION 'entry of user % does not go on from balance %', NEW.user_id, balance
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entries_chain';
    END IF;
    NEW.number := COALESCE(latest, 0) + 1;
    RETURN NEW;
END $$;

CREATE TRIGGER ledger_entries_chain
    BEFORE INSERT ON ledger_entries
    FOR EACH ROW EXECUTE FUNCTION ledger_entries_check_chain();
"""

# Without this an entry of any amount, or an entry reversed again and again, could call itself a
# reversal.
OPPOSITE = """
CREATE FUNCTION ledger_entries_check_reversal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM ledger_entries WHERE id = NEW.reverses_id
                   AND user_id = NEW.user_id AND amount = -NEW.amount AND kind <> 'reversal')
    THEN
        RAISE EXCEPTION '% does not undo entry % of user %',
            NEW.amount, NEW.reverses_id, NEW.user_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_reversals_undo';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER ledger_reversals_undo
    BEFORE INSERT ON ledger_entries
    FOR EACH ROW WHEN (NEW.reverses_id IS NOT NULL)
    EXECUTE FUNCTION ledger_entries_check_reversal();
"""

# At commit a balance is what its last entry says, whoever wrote either of them.
BALANCE = """
CREATE FUNCTION users_check_credits() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    account bigint;
    balance numeric;
    posted numeric;
BEGIN
    IF TG_TABLE_NAME = 'users' THEN account := NEW.id; ELSE account := NEW.user_id; END IF;
    SELECT credits INTO balance FROM users WHERE id = account;
    SELECT balance_after INTO posted FROM ledger_entries
        WHERE user_id = account ORDER BY number DESC LIMIT 1;
    IF balance <> COALESCE(posted, 0) THEN
        RAISE EXCEPTION 'credits of user % are %, but the ledger says %', account, balance, posted
            USING ERRCODE = 'check_violation', CONSTRAINT = 'users_credits_follow_ledger';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER users_credits_follow_ledger
    AFTER INSERT OR UPDATE OF credits ON users DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION users_check_credits();

CREATE CONSTRAINT TRIGGER ledger_followed_by_credits
    AFTER INSERT ON ledger_entries DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION users_check_credits();
"""

# What was requested stays as it is, and so does what was decided; nothing is deleted.
ADJUSTMENTS_STAND = """
CREATE TRIGGER adjustments_stand
    BEFORE UPDATE ON adjustments FOR EACH ROW WHEN (
        OLD.status <> 'waiting' OR
        (OLD.user_id, OLD.amount, OLD.category, OLD.reason, OLD.requested_by_id, OLD.requested_at,
         OLD.approval_limit, OLD.reverses_id, OLD.token)
        IS DISTINCT FROM
        (NEW.user_id, NEW.amount, NEW.category, NEW.reason, NEW.requested_by_id, NEW.requested_at,
         NEW.approval_limit, NEW.reverses_id, NEW.token))
    EXECUTE FUNCTION refuse_change('adjustments_stand',
        'an adjustment is never edited: reverse it instead');

CREATE TRIGGER adjustments_stay
    BEFORE DELETE ON adjustments FOR EACH ROW
    EXECUTE FUNCTION refuse_change('adjustments_stand',
        'an adjustment is never deleted: reverse it instead');

CREATE TRIGGER adjustments_not_truncated
    BEFORE TRUNCATE ON adjustments FOR EACH STATEMENT
    EXECUTE FUNCTION refuse_change('adjustments_stand',
        'an adjustment is never deleted: reverse it instead');
"""

# An adjustment says itself what its limit was; this compares with the limit that the program names
# when it connects.
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

# The second person is one who may approve at that moment: by a permission of their own, by a group,
# or as a superuser.
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

# At commit an adjustment and its entry say the same of the same account, whichever was written; a
# reversal's entry reverses the entry of the adjustment that it reverses.
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

# Counting costs no write to disk; see `LimitWindow`.
UNLOGGED = "ALTER TABLE limit_windows SET UNLOGGED"
LOGGED = "ALTER TABLE limit_windows SET LOGGED"


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    # A function is dropped together with the triggers that call it.
    operations = [
        migrations.RunSQL(REFUSE, "DROP FUNCTION refuse_change() CASCADE"),
        migrations.RunSQL(APPEND_ONLY, migrations.RunSQL.noop),
        migrations.RunSQL(ATTRIBUTION, migrations.RunSQL.noop),
        migrations.RunSQL(CHAIN, "DROP FUNCTION ledger_entries_check_chain() CASCADE"),
        migrations.RunSQL(OPPOSITE, "DROP FUNCTION ledger_entries_check_reversal() CASCADE"),
        migrations.RunSQL(BALANCE, "DROP FUNCTION users_check_credits() CASCADE"),
        migrations.RunSQL(ADJUSTMENTS_STAND, migrations.RunSQL.noop),
        migrations.RunSQL(ALONE, "DROP FUNCTION adjustments_check_alone() CASCADE"),
        migrations.RunSQL(DECIDER, "DROP FUNCTION adjustments_check_decider() CASCADE"),
        migrations.RunSQL(ENTRY, "DROP FUNCTION adjustments_check_entry() CASCADE"),
        migrations.RunSQL(DEBT, "DROP FUNCTION adjustments_check_debt() CASCADE"),
        migrations.RunSQL(UNLOGGED, LOGGED),
    ]
