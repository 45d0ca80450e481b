"""The guards of manual adjustments, each with the test that it is missed by."""

from datetime import timedelta

from accounts import adjustment_rules as rules
from accounts import adjustments
from accounts.tests import test_adjustment_guards as in_database
from accounts.tests import test_adjustment_limits as limits
from accounts.tests.test_adjustments import TestDecision, TestRefusal, lose_account
from payments.tests.guards import (
    NOT_REFUSED,
    Guard,
    alteration,
    both,
    constraint,
    function_in_database,
    line,
    trigger,
    value,
)

REFUSE_EFFECT = (
    "rules.require_postable(adjustment.user, adjustment.amount, is_reversal=is_reversal)"
)

ADJUSTMENTS = [
    Guard(
        "what is split adds up to the limit",
        value(rules, "_WINDOW", timedelta(0)),
        limits.test_split_amounts_wait_when_their_sum_exceeds_the_limit,
        "Status.POSTED != 'waiting'",
    ),
    Guard(
        "what is given to many adds up to the limit of all",
        line(rules.remaining_limit, "ACCOUNTS_PER_DAY * limit", "1_000_000"),
        limits.test_the_limit_on_all_accounts_is_ten_times_the_limit_on_one,
        "Status.POSTED != 'waiting'",
        {"amount": "0.01"},
    ),
    Guard(
        "nobody asks for what takes two people",
        both(
            line(adjustments._post_or_wait, "by is None", "False"),
            constraint("adjustments", "adjustments_decided_by_another"),
        ),
        limits.test_above_the_limit_the_requester_must_be_named,
        NOT_REFUSED,
    ),
    Guard(
        "by hand nobody goes into debt",
        line(rules.require_postable, "amount < 0 and after < 0", "False"),
        TestRefusal().test_a_negative_balance,
        NOT_REFUSED,
        {"amount": "-10.01"},
    ),
    Guard(
        "by hand the database lets nobody go into debt",
        trigger("adjustments", "adjustments_make_no_debt"),
        in_database.test_it_refuses_a_debit_below_zero,
        NOT_REFUSED,
    ),
    Guard(
        "by a reversal the database lets nobody go into debt",
        trigger("adjustments", "adjustments_make_no_debt"),
        in_database.test_it_refuses_a_reversal_below_zero,
        NOT_REFUSED,
    ),
    Guard(
        "who might adjust a moment ago may not",
        line(adjustments.request_adjustment, "people[by.pk]", "by"),
        TestRefusal().test_an_operator_who_has_just_lost_the_permission,
        NOT_REFUSED,
        {"lose": lose_account},
    ),
    Guard(
        "the database knows the limit of one person",
        trigger("adjustments", "adjustments_alone_within_the_limit"),
        in_database.test_it_refuses_a_row_with_a_forged_limit,
        NOT_REFUSED,
        {"session_limit": "100.00", "amount": "100.01"},
    ),
    Guard(
        "a session that says no limit posts nothing alone",
        function_in_database("adjustments_check_alone", "'0'", "'100'"),
        in_database.test_it_refuses_a_row_with_a_forged_limit,
        NOT_REFUSED,
        {"session_limit": "", "amount": "0.01"},
    ),
    Guard(
        "two people are named",
        constraint("adjustments", "adjustments_decided_by_another"),
        in_database.test_it_refuses_an_invalid_request,
        NOT_REFUSED,
        {
            "statement": f"{in_database.REJECT}, requested_by_id = NULL",
            "constraint": "adjustments_decided_by_another",
        },
    ),
    Guard(
        "you cannot adjust your own balance",
        both(
            line(rules.require_valid, "by == account", "False"),
            constraint("adjustments", "adjustments_not_of_ones_own"),
        ),
        TestRefusal().test_the_own_balance,
        NOT_REFUSED,
    ),
    Guard(
        "the balance is looked at again when it is approved",
        line(adjustments._post, REFUSE_EFFECT),
        TestDecision().test_the_balance_is_checked_again_on_approval,
        "DID NOT RAISE",
    ),
    Guard(
        "above the limit the database wants two people",
        constraint("adjustments", "adjustments_above_the_limit_need_two"),
        in_database.test_it_refuses_one_person_above_the_limit,
        NOT_REFUSED,
    ),
    Guard(
        "the second person is another than who asked",
        constraint("adjustments", "adjustments_decided_by_another"),
        in_database.test_it_refuses_a_decision_by_the_requester,
        NOT_REFUSED,
    ),
    Guard(
        "the second person is another than who gets it",
        constraint("adjustments", "adjustments_not_of_ones_own"),
        in_database.test_it_refuses_a_decision_by_the_account_owner,
        NOT_REFUSED,
    ),
    Guard(
        "the second person may approve",
        trigger("adjustments", "adjustments_decider_may"),
        in_database.test_it_refuses_a_decision_without_the_permission,
        NOT_REFUSED,
        {"change": in_database.lose_rank},
    ),
    Guard(
        "the second person is active",
        function_in_database("adjustments_check_decider", "u.is_active AND", ""),
        in_database.test_it_refuses_a_decision_without_the_permission,
        NOT_REFUSED,
        {"change": in_database.lose_account},
    ),
    Guard(
        "a decision on an adjustment has a reason",
        constraint("adjustments", "adjustments_decided_with_a_reason"),
        in_database.test_it_refuses_an_incomplete_decision,
        NOT_REFUSED,
        {
            "statement": in_database.REJECT.replace("'Right'", "' '"),
            "constraint": "adjustments_decided_with_a_reason",
        },
    ),
    Guard(
        "an adjustment has a reason",
        constraint("adjustments", "adjustments_have_a_reason"),
        in_database.test_it_refuses_an_invalid_request,
        NOT_REFUSED,
        {
            "statement": "UPDATE adjustments SET reason = ' '",
            "constraint": "adjustments_have_a_reason",
        },
    ),
    Guard(
        "what was asked for stays",
        trigger("adjustments", "adjustments_stand"),
        in_database.test_it_refuses_a_change_of_a_request,
        NOT_REFUSED,
        {"statement": "UPDATE adjustments SET approval_limit = 1000"},
    ),
    Guard(
        "a decided adjustment stays",
        trigger("adjustments", "adjustments_stand"),
        in_database.test_it_refuses_a_change_of_a_posted_adjustment,
        NOT_REFUSED,
        {"statement": "UPDATE adjustments SET reason = 'Nothing to see here'"},
    ),
    Guard(
        "an adjustment is never deleted",
        trigger("adjustments", "adjustments_stay"),
        in_database.test_it_refuses_a_change_of_a_posted_adjustment,
        NOT_REFUSED,
        {"statement": "DELETE FROM adjustments"},
    ),
    Guard(
        "adjustments are never truncated",
        function_in_database("adjustments_refuse_change", "RAISE", "RETURN NULL; RAISE"),
        in_database.test_it_refuses_a_change_of_a_posted_adjustment,
        NOT_REFUSED,
        {"statement": "TRUNCATE adjustments"},
    ),
    Guard(
        "an entry of an adjustment belongs to one",
        trigger("ledger_entries", "ledger_matches_the_adjustments"),
        in_database.test_it_refuses_an_entry_without_an_adjustment,
        NOT_REFUSED,
        {"kind": "adjustment", "amount": "5.00"},
    ),
    Guard(
        "an adjustment says what its entry says",
        trigger("adjustments", "adjustments_match_the_ledger"),
        in_database.test_it_refuses_an_adjustment_with_the_entry_of_a_purchase,
        NOT_REFUSED,
    ),
    Guard(
        "an entry is of one adjustment",
        constraint("adjustments", "adjustments_ledger_entry_id_key"),
        in_database.test_it_refuses_two_adjustments_of_one_entry,
        NOT_REFUSED,
    ),
    Guard(
        "a posted adjustment has an entry",
        constraint("adjustments", "adjustments_posted_by_an_entry"),
        in_database.test_it_refuses_an_incomplete_decision,
        NOT_REFUSED,
        {
            "statement": in_database.DECIDE + ", status = 'posted'",
            "constraint": "adjustments_posted_by_an_entry",
        },
    ),
    Guard(
        "an adjustment is reversed once",
        alteration("DROP INDEX adjustments_reversed_once"),
        in_database.test_it_refuses_a_second_reversal,
        NOT_REFUSED,
    ),
    Guard(
        "a token names one adjustment",
        constraint("adjustments", "adjustments_token_key"),
        in_database.test_it_refuses_a_token_twice,
        NOT_REFUSED,
    ),
]
