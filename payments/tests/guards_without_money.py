"""What the database refuses besides, and why no money is wrong without it."""

WITHOUT_MONEY = {
    "users_username_key": "names",
    "users_username_any_case_unique": "names",
    "users_username_folded_unique": "names",
    "users_email_any_case_unique": "addresses to log in with",
    "users_referral_code_form": "how codes are spelled",
    "programs_code_length": "how long the next codes are",
    "approval_limits_id_check": "approval_limits_one_row is stricter",
    "programs_code_length_check": "programs_code_length is stricter",
    "programs_offer_days": "for how long terms bind us",
    "programs_offer_days_check": "programs_offer_days is stricter",
    "programs_max_uses_check": "programs_one_use_at_least is stricter",
    "referrals_max_uses_check": "referrals_within_cap is stricter",
    "referrals_use_number_check": "referrals_within_cap is stricter",
    "referrals_awards_check": "a counter",
    "ledger_entries_number_check": "ledger_entries_chain counts",
    "payments_amount_check": "payments_amount_in_range is stricter",
    "clawbacks_amount_check": "clawbacks_of_something is stricter",
    "clawbacks_taken_check": "clawbacks_take_by_an_entry is stricter",
    "clawbacks_postings_check": "a counter",
    "stripe_events_attempts_check": "a counter",
}
TABLES_WITHOUT_MONEY = {
    "api_keys": "what opens doors",
    "daily_totals": "a report, counted from the books",
    "invite_views": "a statistic",
    "ledger_checks": "reports of checks",
    "limit_windows": "how often somebody called",
    "leaderboard_entries": "a report, counted from the books",
    "users_groups": "who is in which group",
    "users_user_permissions": "who may do what",
}
