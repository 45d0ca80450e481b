"""The settlement finds an earlier friend of the code who has the buyer's mailbox."""

from django.db import migrations

# VOLATILE for the same reason as `referral_uses`: the earlier friend may have bought while the
# statement waited for the referrer's lock.
SHARES = """
CREATE FUNCTION referral_shares_mailbox(referrer bigint, buyer bigint) RETURNS boolean
    LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM users friend JOIN referrals ON referred_user_id = friend.id
        WHERE friend.mailbox = (SELECT mailbox FROM users WHERE id = buyer)
            AND friend.id <> buyer AND referrer_id = referrer);
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_mailboxes_and_folded_names"),
        ("referrals", "0005_second_person_for_terms"),
    ]

    operations = [
        migrations.RunSQL(SHARES, "DROP FUNCTION referral_shares_mailbox(bigint, bigint)")
    ]
