"""The guards of the ledger and of what is one's own, each with the test that it is missed by."""

from accounts import api_keys, ledger
from accounts.models import User
from accounts.tests import (
    test_api_keys,
    test_audit,
    test_authentication,
    test_ledger,
    test_ledger_guards,
)
from accounts.tests import test_views as test_account_views
from accounts.views import ApiKeyViewSet
from payments.tests import test_negative_controls_stories as stories
from payments.tests import test_views
from payments.tests.guards import (
    NOT_REFUSED,
    Guard,
    constraint,
    forget_causes,
    function_in_database,
    line,
    trigger,
    value,
    words,
)
from payments.views import CheckoutViewSet, PaymentViewSet

LEDGER = [
    Guard(
        "an entry goes on from the one before",
        function_in_database("ledger_entries_check_chain", "IF NEW.", "IF false AND NEW."),
        test_ledger_guards.test_it_refuses_an_entry_that_does_not_continue_from_the_balance,
        NOT_REFUSED,
        {"balance_after": "20.00"},
    ),
    Guard(
        "a balance changes only with an entry",
        trigger("users", "users_credits_follow_ledger"),
        test_ledger_guards.test_it_refuses_a_new_user_with_credits,
        NOT_REFUSED,
    ),
    Guard(
        "an entry is followed by its balance",
        trigger("ledger_entries", "ledger_followed_by_credits"),
        test_ledger_guards.test_it_refuses_an_entry_without_its_balance,
        NOT_REFUSED,
    ),
    Guard(
        "an entry is never updated",
        trigger("ledger_entries", "ledger_entries_append_only"),
        test_ledger_guards.test_it_refuses_to_change_an_entry,
        NOT_REFUSED,
        {"statement": "UPDATE ledger_entries SET description = 'Nothing to see here'"},
    ),
    Guard(
        "entries are never truncated",
        function_in_database("ledger_entries_refuse_change", "RAISE", "RETURN NULL; RAISE"),
        test_ledger_guards.test_it_refuses_to_change_an_entry,
        NOT_REFUSED,
        {"statement": "TRUNCATE ledger_entries CASCADE"},
    ),
    Guard(
        "one cause is one entry",
        forget_causes,
        test_ledger.test_it_posts_once_for_one_key,
        "assert <LedgerEntry",
    ),
    Guard(
        "an entry is reversed once",
        constraint("ledger_entries", "ledger_entries_reverses_id_key"),
        test_ledger_guards.test_it_refuses_a_second_reversal_of_an_entry,
        NOT_REFUSED,
    ),
    Guard(
        "a reversal undoes its original",
        trigger("ledger_entries", "ledger_reversals_undo"),
        test_ledger_guards.test_it_refuses_a_reversal_of_another_amount,
        NOT_REFUSED,
        {"amount": "-50000.00"},
    ),
    Guard(
        "a reversal is not reversed",
        function_in_database("ledger_entries_check_reversal", "AND kind <> 'reversal'", ""),
        test_ledger_guards.test_it_refuses_the_reversal_of_a_reversal,
        NOT_REFUSED,
    ),
    Guard(
        "an amount is whole cents",
        line(ledger.post_all, "amount != amount.quantize(CENT)", "False"),
        test_ledger.test_it_refuses_zero_and_parts_of_a_cent,
        NOT_REFUSED,
        {"amount": "1.001"},
    ),
    Guard(
        "what is credited is never negative",
        constraint("ledger_entries", "ledger_credits_are_positive"),
        test_ledger_guards.test_it_refuses_a_negative_credit,
        NOT_REFUSED,
        {"kind": "purchase"},
    ),
    Guard(
        "a reversal names its original",
        constraint("ledger_entries", "ledger_reversal_names_its_original"),
        test_ledger_guards.test_it_refuses_a_reversal_without_an_original,
        NOT_REFUSED,
    ),
    Guard(
        "an entry of the audit log is never updated",
        trigger("audit_entries", "audit_entries_append_only"),
        test_audit.test_the_database_refuses_to_change_the_log,
        NOT_REFUSED,
        {"statement": "UPDATE audit_entries SET reason = 'Nothing to see here'"},
    ),
    Guard(
        "the audit log is never truncated",
        function_in_database("audit_entries_refuse_change", "RAISE", "RETURN NULL; RAISE"),
        test_audit.test_the_database_refuses_to_change_the_log,
        NOT_REFUSED,
        {"statement": "TRUNCATE audit_entries"},
    ),
    Guard(
        "who saves a person leaves what others move alone",
        lambda monkeypatch: monkeypatch.delattr(User, "save"),
        stories.test_who_saves_an_old_copy_of_a_person_puts_nothing_back,
        "'0.00'",
    ),
]

DOORS = [
    Guard(
        "a key is kept as a digest",
        value(api_keys, "digest", str),
        test_api_keys.test_a_dump_contains_no_key,
        "gw_live_",
    ),
    Guard(
        "a revoked key opens nothing",
        words(api_keys, "_AUTHENTICATE", "(revoked_at IS NULL OR revoked_at > %(now)s)", "true"),
        test_account_views.test_a_revoked_key_is_invalid,
        "200 == 401",
    ),
    Guard(
        "the key of a deactivated user opens nothing",
        words(api_keys, "_AUTHENTICATE", "WHERE users.is_active", ""),
        test_authentication.test_an_invalid_key_is_refused,
        "200",
        {"wrong": test_authentication.of_a_deactivated_user},
    ),
    Guard(
        "the key of another user is not revoked",
        line(
            ApiKeyViewSet.destroy,
            "api_keys.valid_keys(request.user, now=now)",
            "ApiKey.objects.all()",
        ),
        test_account_views.test_the_key_of_another_user_is_not_found,
        "204 == 404",
    ),
    Guard(
        "the key of a colleague is a superuser's to manage",
        line(api_keys._lock_key, "by is not None", "False"),
        test_api_keys.test_only_a_superuser_manages_the_key_of_staff,
        NOT_REFUSED,
        {"act": test_api_keys.rotate, "flag": "is_superuser"},
    ),
    Guard(
        "the session of another user is not there",
        line(CheckoutViewSet.retrieve, "filter(user=request.user)", "all()"),
        test_views.test_the_session_of_another_user_is_not_found,
        "KeyError: 'code'",
    ),
    Guard(
        "the payments listed are one's own",
        line(PaymentViewSet.get_queryset, "filter(user=self.request.user)", "all()"),
        test_views.test_the_payments_listed_are_ones_own_newest_first,
        "Left contains one more item",
    ),
]
