"""Terms too are compared with the approval limit that only the owner of the tables writes."""

from django.db import migrations

from accounts.search_path import fix_search_path

# A function that is replaced loses its path.
PATH = fix_search_path("programs_check_alone()")

ALONE = """
CREATE OR REPLACE FUNCTION programs_check_alone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.budget IS NULL
        OR NEW.budget > COALESCE((SELECT amount FROM approval_limits), 0)
        OR NEW.referrer_bonus + NEW.referee_bonus > 2 * NEW.minimum_purchase)
        AND EXISTS (SELECT FROM programs WHERE id <> NEW.id)
    THEN
        RAISE EXCEPTION 'terms with a budget of % take two people', COALESCE(NEW.budget::text, 'any')
            USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_alone_within_the_limit';
    END IF;
    RETURN NULL;
END $$;
"""

ALONE_BEFORE = """
CREATE OR REPLACE FUNCTION programs_check_alone() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    said text := current_setting('gatewayz.adjustment_approval_limit', true);
BEGIN
    IF (NEW.budget IS NULL
        OR NEW.budget > COALESCE(NULLIF(said, ''), '0')::numeric
        OR NEW.referrer_bonus + NEW.referee_bonus > 2 * NEW.minimum_purchase)
        AND EXISTS (SELECT FROM programs WHERE id <> NEW.id)
    THEN
        RAISE EXCEPTION 'terms with a budget of % take two people', COALESCE(NEW.budget::text, 'any')
            USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_alone_within_the_limit';
    END IF;
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0015_approval_limit"), ("referrals", "0007_search_path")]

    operations = [migrations.RunSQL([ALONE, PATH.sql], [ALONE_BEFORE, PATH.sql])]
