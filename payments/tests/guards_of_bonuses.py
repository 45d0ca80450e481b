"""The guards of the bonuses and their review, each with the test that it is missed by."""

from dataclasses import replace

from accounts import audit, mailboxes
from payments import cards
from payments.tests import test_cards
from payments.tests import test_negative_controls_stories as stories
from payments.tests.guards import (
    NOT_REFUSED,
    Guard,
    Switch,
    alteration,
    both,
    constraint,
    line,
    trigger,
    value,
)
from referrals import bonuses, eligibility, review
from referrals.eligibility import CheckName
from referrals.tests import test_attribution, test_bonuses, test_budget, test_review


def passing(name: CheckName) -> Switch:
    """Let a check pass every purchase."""
    checks = [
        replace(check, passes=lambda inputs: True) if check.name == name else check
        for check in eligibility.CHECKS
    ]
    return lambda monkeypatch: monkeypatch.setattr(eligibility, "CHECKS", tuple(checks))


BONUSES = [
    Guard(
        "less than the minimum earns nothing",
        passing(CheckName.MINIMUM),
        test_bonuses.test_a_purchase_qualifies_from_ten_dollars_on,
        "'10.00'",
        {"cents": 999, "balances": ("0.00", "9.99"), "qualified": False},
    ),
    Guard(
        "the first qualifying purchase is flagged",
        line(bonuses.award, "buyer.has_made_first_purchase = True"),
        test_bonuses.test_a_buyer_without_a_referrer_gets_no_bonus,
        "False",
    ),
    Guard(
        "a second purchase earns nothing",
        passing(CheckName.FIRST),
        test_bonuses.test_a_second_purchase_pays_no_bonus,
        "KeyError: 'outcome'",
    ),
    Guard(
        "one referral for one referee",
        constraint("referrals", "referrals_referred_user_id_key"),
        stories.test_the_database_refuses_a_second_referral_of_one_person,
        NOT_REFUSED,
    ),
    Guard(
        "ten uses are counted",
        both(
            passing(CheckName.CAP),
            constraint("referrals", "referrals_within_cap"),
        ),
        test_bonuses.test_it_pays_no_bonus_after_ten_uses,
        "awarded",
    ),
    Guard(
        "there is no eleventh use number",
        constraint("referrals", "referrals_within_cap"),
        test_bonuses.test_the_database_refuses_an_eleventh_use,
        NOT_REFUSED,
    ),
    Guard(
        "a use number is given once",
        alteration("DROP INDEX referrals_use_number_unique"),
        test_bonuses.test_the_database_refuses_two_uses_with_one_number,
        NOT_REFUSED,
    ),
    Guard(
        "a deactivated referrer earns nothing",
        passing(CheckName.REFERRER),
        test_bonuses.test_a_deactivated_referrer_earns_nothing,
        "awarded",
    ),
    Guard(
        "a deactivated referrer's bonus is not released",
        line(review._decide, "not referral.referrer.is_active", "False"),
        stories.test_the_bonus_of_a_deactivated_referrer_is_not_released,
        NOT_REFUSED,
    ),
    Guard(
        "attribution never changes",
        trigger("users", "users_attributed_once"),
        test_attribution.test_the_database_refuses_another_attribution,
        NOT_REFUSED,
        {"code": None},
    ),
    Guard(
        "a referral is not of oneself",
        constraint("referrals", "referrals_not_of_oneself"),
        stories.test_the_database_refuses_a_use_of_ones_own_code,
        NOT_REFUSED,
    ),
    Guard(
        "one mailbox on both sides is held",
        passing(CheckName.MAILBOX),
        test_review.test_two_addresses_of_one_mailbox_get_no_bonus_yet,
        "awarded",
    ),
    Guard(
        "two addresses of one mailbox are one",
        value(mailboxes, "fold", str.casefold),
        test_review.test_two_addresses_of_one_mailbox_get_no_bonus_yet,
        "awarded",
    ),
    Guard(
        "one card on both sides is held",
        value(cards, "_with_one_card", lambda person: []),
        test_cards.test_one_card_on_both_sides_takes_the_bonuses_back,
        "completed",
    ),
    Guard(
        "only what is held is released",
        line(review._decide, "referral.review != Referral.Review.HELD", "False"),
        test_review.test_a_held_bonus_is_decided_once,
        NOT_REFUSED,
        {"first": test_review.release, "second": test_review.void},
    ),
    Guard(
        "a decision needs a reason",
        both(
            value(audit, "require_reason", str.strip),
            constraint("referrals", "referrals_reviewed_with_a_reason"),
            constraint("audit_entries", "audit_says_why"),
        ),
        test_review.test_a_decision_needs_a_reason,
        NOT_REFUSED,
        {"decide": test_review.release, "note": " "},
    ),
    Guard(
        "the database has no decision without a reason",
        constraint("referrals", "referrals_reviewed_with_a_reason"),
        test_review.test_the_database_refuses_a_decision_without_a_reason,
        NOT_REFUSED,
        {"decision": "released"},
    ),
    Guard(
        "what is completed is paid",
        constraint("referrals", "referrals_completed_are_paid"),
        test_review.test_the_database_refuses_to_complete_without_paying,
        NOT_REFUSED,
    ),
    Guard(
        "a budget is never exceeded",
        both(
            value(bonuses, "reserve_award", lambda terms: True),
            passing(CheckName.BUDGET),
        ),
        test_budget.test_when_the_budget_is_spent_only_the_purchase_is_credited,
        "awarded",
    ),
    Guard(
        "the database has no budget that is exceeded",
        constraint("programs", "programs_within_budget"),
        test_budget.test_the_database_refuses_to_reserve_more_than_there_is,
        NOT_REFUSED,
    ),
    Guard(
        "what was promised is not rewritten",
        trigger("programs", "programs_stand"),
        test_budget.test_the_database_refuses_to_rewrite_terms,
        NOT_REFUSED,
        {"change": {"referrer_bonus": 1}},
    ),
    Guard(
        "terms that have started are not deleted",
        trigger("programs", "programs_stay"),
        test_budget.test_the_database_refuses_to_delete_terms_that_have_started,
        NOT_REFUSED,
    ),
    Guard(
        "what is voided is given back to the budget",
        line(review._decide, "unreserve_award(referral)"),
        test_budget.test_a_held_bonus_is_reserved_until_it_is_voided,
        "20.00",
    ),
    Guard(
        "nobody decides on a bonus of his own",
        both(
            line(review._decide, "by.pk in {referral.referrer_id, referral.referred_user_id}", "0"),
            constraint("referrals", "referrals_reviewed_by_another"),
        ),
        test_review.test_nobody_decides_on_their_own_bonus,
        NOT_REFUSED,
        {"decide": review.release, "side": "referrer"},
    ),
    Guard(
        "the database has no review of a bonus of one's own",
        constraint("referrals", "referrals_reviewed_by_another"),
        test_review.test_the_database_refuses_a_review_of_ones_own_bonus,
        NOT_REFUSED,
    ),
]
