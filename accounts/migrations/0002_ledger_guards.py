"""The database's own guards: an append-only ledger, balances that follow it, attribution."""

from django.db import migrations

APPEND_ONLY = """
CREATE FUNCTION ledger_entries_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'ledger entries are append-only: post a reversal instead of % ', TG_OP
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ledger_entries_append_only';
END $$;

CREATE TRIGGER ledger_entries_append_only
    BEFORE UPDATE OR DELETE ON ledger_entries
    FOR EACH ROW EXECUTE FUNCTION ledger_entries_refuse_change();

CREATE TRIGGER ledger_entries_not_truncated
    BEFORE TRUNCATE ON ledger_entries
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_entries_refuse_change();
"""

DROP_APPEND_ONLY = """
DROP TRIGGER ledger_entries_not_truncated ON ledger_entries;
DROP TRIGGER ledger_entries_append_only ON ledger_entries;
DROP FUNCTION ledger_entries_refuse_change();
"""

# Each entry goes on from the one before it of the same user. Its number, unique for the user, makes
# sure of it when two are posted at once: only one of them can come next.
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

DROP_CHAIN = """
DROP TRIGGER ledger_entries_chain ON ledger_entries;
DROP FUNCTION ledger_entries_check_chain();
"""

# Else an entry of any amount, or an entry given back again and again, could call itself a reversal.
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

DROP_OPPOSITE = """
DROP TRIGGER ledger_reversals_undo ON ledger_entries;
DROP FUNCTION ledger_entries_check_reversal();
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

DROP_BALANCE = """
DROP TRIGGER ledger_followed_by_credits ON ledger_entries;
DROP TRIGGER users_credits_follow_ledger ON users;
DROP FUNCTION users_check_credits();
"""

# Who referred whom decides who is paid, so it is settled at registration (CONTRACT 2.2).
ATTRIBUTION = """
CREATE FUNCTION users_refuse_reattribution() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'user % was attributed at registration, once and for all', OLD.id
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'users_attributed_once';
END $$;

CREATE TRIGGER users_attributed_once
    BEFORE UPDATE OF referred_by_code ON users
    FOR EACH ROW WHEN (OLD.referred_by_code IS DISTINCT FROM NEW.referred_by_code)
    EXECUTE FUNCTION users_refuse_reattribution();
"""

DROP_ATTRIBUTION = """
DROP TRIGGER users_attributed_once ON users;
DROP FUNCTION users_refuse_reattribution();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.RunSQL(APPEND_ONLY, DROP_APPEND_ONLY),
        migrations.RunSQL(CHAIN, DROP_CHAIN),
        migrations.RunSQL(OPPOSITE, DROP_OPPOSITE),
        migrations.RunSQL(BALANCE, DROP_BALANCE),
        migrations.RunSQL(ATTRIBUTION, DROP_ATTRIBUTION),
    ]
