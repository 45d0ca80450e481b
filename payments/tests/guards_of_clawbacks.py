"""The guards of refunds and disputes, each with the test that it is missed by."""

from inspect import getattr_static

from payments import clawbacks, settlement
from payments.models import Clawback
from payments.tests import test_clawbacks
from payments.tests import test_negative_controls_stories as stories
from payments.tests.guards import NOT_REFUSED, Guard, both, constraint, line
from referrals import bonuses

CLAWBACKS = [
    Guard(
        "a refund is known by its id",
        line(
            clawbacks._record,
            "stripe_id=reported.",
            "stripe_id=str(Clawback.objects.count()) + reported.",
        ),
        test_clawbacks.test_partial_refunds_are_known_by_their_ids,
        "reversed",
    ),
    Guard(
        "no more is taken back than is left",
        both(
            line(clawbacks._allocate, "min(clawback.amount, left)", "clawback.amount"),
            constraint("payments", "payments_taken_back_at_most_given"),
        ),
        test_clawbacks.test_refund_and_dispute_together_take_no_more_than_was_given,
        "3500 == 2000",
    ),
    Guard(
        "the database has no more taken back than was given",
        constraint("payments", "payments_taken_back_at_most_given"),
        stories.test_the_database_refuses_a_payment_that_cannot_be,
        NOT_REFUSED,
        {"change": {"taken_back": 1001}, "constraint": "payments_taken_back_at_most_given"},
    ),
    Guard(
        "only a refund that succeeded takes anything",
        line(getattr_static(Clawback, "takes_back").fget, "{self", "{self.Status.PENDING, self"),
        test_clawbacks.test_only_a_succeeded_refund_takes_anything,
        "reversed",
    ),
    Guard(
        "news go only forward",
        line(
            clawbacks._update_clawback,
            "(_RANK[status], amount) > (_RANK[clawback.status], clawback.amount)",
            "True",
        ),
        test_clawbacks.test_a_late_created_event_does_not_reopen_a_dispute,
        "reversed",
    ),
    Guard(
        "a refund keeps its amount",
        line(
            clawbacks._update_clawback,
            "require_same_amount(clawback.kind, amount, clawback.amount)",
        ),
        test_clawbacks.test_a_refund_that_changes_its_amount_is_quarantined,
        "applied",
    ),
    Guard(
        "a refund that comes early is adopted",
        line(settlement.settle_purchase, "clawbacks.apply_early_clawbacks(payment, now=now)"),
        test_clawbacks.test_a_refund_before_its_purchase_waits_for_it,
        "completed",
    ),
    Guard(
        "bonuses stand only above the minimum",
        line(clawbacks._rebalance_bonuses, "left >= referral.program.minimum_purchase", "True"),
        test_clawbacks.test_a_cent_below_the_minimum_takes_back_both_bonuses,
        "completed",
    ),
    Guard(
        "a dispute takes both bonuses",
        line(clawbacks._rebalance_bonuses, "not is_disputed and ", ""),
        test_clawbacks.test_a_dispute_takes_its_amount_and_both_bonuses,
        "completed",
    ),
    Guard(
        "what a dispute took is given again once",
        both(
            line(clawbacks._rebalance_bonuses, "qualifies != referral.purchase_qualifies", "True"),
            line(bonuses.sync_entries, " and referral.referrer_entry is None", ""),
        ),
        test_clawbacks.test_a_dispute_is_reinstated_only_when_it_is_won,
        "('20.00', '30",
        {"verdict": "won", "end": ("10.00", "20.00", "completed")},
    ),
]
