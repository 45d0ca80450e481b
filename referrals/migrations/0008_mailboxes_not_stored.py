"""Settlement learns when a mailbox of the people it compares is not stored."""

from django.db import migrations

from accounts.search_path import fix_search_path

_FRIENDS = """
        SELECT FROM users friend JOIN referrals ON referred_user_id = friend.id
        WHERE {which} AND friend.id <> buyer AND referrer_id = referrer"""
_SAME = _FRIENDS.format(which="friend.mailbox = (SELECT mailbox FROM users WHERE id = buyer)")
_NOT_STORED = _FRIENDS.format(which="friend.mailbox IS NULL")
_FUNCTION = """
CREATE OR REPLACE FUNCTION referral_shares_mailbox(referrer bigint, buyer bigint) RETURNS boolean
    LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN EXISTS ({same}){or_unknown};
END $$;
"""
# NULL when nobody is known to share it, but some mailbox is missing.
_OR_UNKNOWN = f""" OR NULLIF(
        (SELECT mailbox IS NULL FROM users WHERE id = buyer) OR EXISTS ({_NOT_STORED}), true)"""
NOW = _FUNCTION.format(same=_SAME, or_unknown=_OR_UNKNOWN)
BEFORE = _FUNCTION.format(same=_SAME, or_unknown="")
_FIX = fix_search_path("referral_shares_mailbox(bigint, bigint)")


class Migration(migrations.Migration):
    dependencies = [("referrals", "0007_search_path")]

    operations = [migrations.RunSQL([NOW, _FIX.sql], [BEFORE, _FIX.sql])]
