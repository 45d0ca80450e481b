"""Uses are counted in our table, whatever the caller's search path says."""

from django.db import migrations

from accounts.search_path import fix_search_path


class Migration(migrations.Migration):
    dependencies = [("referrals", "0006_friends_of_one_mailbox")]

    operations = [
        fix_search_path(
            "programs_check_alone()",
            "referral_shares_mailbox(bigint, bigint)",
            "referral_uses(bigint)",
        )
    ]
