"""The guards look names up where our tables are, whatever their caller's search path says."""

from django.db import migrations

from accounts.search_path import fix_search_path


class Migration(migrations.Migration):
    dependencies = [("accounts", "0013_folded_names_unique")]

    operations = [
        fix_search_path(
            "refuse_change()",
            "ledger_entries_check_chain()",
            "ledger_entries_check_reversal()",
            "users_check_credits()",
            "adjustments_check_alone()",
            "adjustments_check_decider()",
            "adjustments_check_entry()",
            "adjustments_check_debt()",
            "adjustments_check_staff()",
        )
    ]
