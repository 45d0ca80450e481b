"""The guard on attribution lets a missing code be claimed: once, early, before any purchase."""

from django.db import migrations

from accounts.search_path import fix_search_path

# The row is locked when a BEFORE trigger runs, and each statement of a VOLATILE function sees what
# others have committed by then: a purchase that is settled, or a code that is claimed, at the same
# time is seen here whichever comes first.
# Only one transaction at a time looks for a ring: two that look at once would each miss the other's
# claim.
CLAIMS = """
CREATE FUNCTION users_check_attribution() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.referred_by_code IS NOT NULL OR OLD.claimed_at IS NOT NULL
        OR NEW.referred_by_code IS NULL OR NEW.claimed_at IS NULL
    THEN
        RAISE EXCEPTION 'a person is attributed once and for all'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'users_attributed_once';
    END IF;
    IF NEW.claimed_at < OLD.created_at
        OR GREATEST(NEW.claimed_at, clock_timestamp()) >= OLD.created_at + interval '7 days'
    THEN
        RAISE EXCEPTION 'a code is claimed within seven days of registration'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'users_claim_in_time';
    END IF;
    IF EXISTS (SELECT FROM ledger_entries WHERE user_id = OLD.id AND kind = 'purchase') THEN
        RAISE EXCEPTION 'a code is claimed before any purchase'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'users_claim_before_purchases';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('users_claim_no_ring', 0));
    IF EXISTS (
        WITH RECURSIVE inviter AS (
            SELECT id, referred_by_code FROM users WHERE referral_code = NEW.referred_by_code
            UNION
            SELECT users.id, users.referred_by_code
            FROM users JOIN inviter ON users.referral_code = inviter.referred_by_code
        )
        SELECT FROM inviter WHERE id = OLD.id)
    THEN
        RAISE EXCEPTION 'nobody is invited by somebody who came by their own invitation'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'users_claim_no_ring';
    END IF;
    RETURN NEW;
END $$;

DROP TRIGGER users_attributed_once ON users;
CREATE TRIGGER users_attributed_once
    BEFORE UPDATE OF referred_by_code, claimed_at ON users FOR EACH ROW
    WHEN ((OLD.referred_by_code, OLD.claimed_at)
          IS DISTINCT FROM (NEW.referred_by_code, NEW.claimed_at))
    EXECUTE FUNCTION users_check_attribution();
"""

BEFORE_CLAIMS = """
DROP FUNCTION users_check_attribution() CASCADE;
CREATE TRIGGER users_attributed_once
    BEFORE UPDATE OF referred_by_code ON users FOR EACH ROW
    WHEN (OLD.referred_by_code IS DISTINCT FROM NEW.referred_by_code)
    EXECUTE FUNCTION refuse_change('users_attributed_once',
        'a person is attributed at registration, once and for all');
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0022_claimed_at")]

    operations = [
        migrations.RunSQL(CLAIMS, BEFORE_CLAIMS),
        fix_search_path("users_check_attribution()"),
    ]
