"""A comparison with Stripe finds what only one side has, and what both have differently."""

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts.tests.factories import Person
from payments import tasks
from payments.models import Payment, StripeComparison
from payments.reports import daily, stripe_comparison
from payments.reports.daily import Span
from payments.reports.stripe_comparison import Comparison, compare
from payments.sandbox.models import Event
from payments.tests import test_reconciliation
from payments.tests.at_once import at_once
from payments.tests.fake_stripe import stripe_answers, stripe_is_down
from payments.tests.sandbox_purchases import buy, dispute_at_stripe, pay, refund_at_stripe
from payments.tests.stripe_events import send, settle

stripe_knows_nothing_yet = test_reconciliation.stripe_knows_nothing_yet


def today() -> Span:
    day = daily.today(timezone.now())
    return Span(day, day)


def found() -> Comparison:
    return compare(today())


def differences() -> list[tuple[Any, ...]]:
    """Return what differs, but for the ids."""
    keys = ("what", "problem", "at_stripe", "ours")
    return [tuple(each[key] for key in keys) for each in found().differences]


def rewrite(kind: str, old: str, new: str) -> None:
    """Let Stripe say something else in its events of this type."""

    def change() -> None:
        for event in Event.objects.filter(type=kind):
            event.body = event.body.replace(old, new)
            event.save()

    at_once(change)


def hear(kind: str) -> None:
    """Deliver the newest event of this type."""
    assert send(Event.objects.filter(type=kind).latest("pk").body.encode()).status_code == 200


def test_where_both_sides_agree_there_is_no_difference(bob: Person) -> None:
    first, second = buy(bob), buy(bob, 2000)
    refund_at_stripe(first, amount="4")
    hear("refund.created")
    dispute_at_stripe(second)
    hear("charge.dispute.created")

    result = found()

    assert result.difference_count == 0
    assert result.at_stripe == {
        "charge": [2, 3000, 59 + 88, 3000 - 59 - 88],
        "refund": [1, -400, 0, -400],
        "dispute": [1, -2000, 1500, -3500],
    }
    assert result.ours == {"charge": [2, 3000], "refund": [1, -400], "dispute": [1, -2000]}


def test_what_one_side_lacks_or_has_otherwise_is_listed(
    bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    refund_at_stripe(buy(bob), amount="4")
    hear("refund.created")
    rewrite("refund.created", '"amount": 400', '"amount": 500')
    refund_at_stripe(buy(bob, 1100), amount="3")
    pay(bob, 2500)
    settle(bob.user, 1200)

    assert sorted(differences()) == [
        ("charge", "Stripe has nothing", None, 1200),
        ("charge", "we have no record", 2500, None),
        ("refund", "other amounts", -500, -400),
        ("refund", "we have no record", -300, None),
    ]
    monkeypatch.setattr(stripe_comparison, "MOST_DIFFERENCES", 1)
    assert (len(found().differences), found().difference_count) == (1, 4)


def test_another_program_on_the_account_is_no_difference(bob: Person) -> None:
    payment = buy(bob)
    rewrite("charge.succeeded", "gatewayz-referrals", "another")
    rewrite("charge.succeeded", str(payment.payment_intent_id), "pi_another")
    Payment.objects.update(paid_at=timezone.now() - timedelta(days=2))

    result = found()

    assert result.at_stripe == {"other programs": [1, 1000, 59, 941]}
    assert result.difference_count == 0


def test_the_day_after_has_what_we_heard_of_late_and_the_payout(bob: Person) -> None:
    payment = buy(bob)
    refund_at_stripe(payment, amount="4")
    with time_machine.travel(timezone.now() + timedelta(days=1), tick=True):
        hear("refund.created")
        result = found()

    assert (result.ours["refund"], result.difference_count) == ([1, -400], 0)
    assert (result.payout_count, result.payout_sum) == (1, 541)
    assert [payout[1:3] for payout in result.payouts] == [(541, "in_transit")]


def compared() -> StripeComparison:
    row = stripe_comparison.request(today(), now=timezone.now())
    tasks.compare_with_stripe(row.pk)
    row.refresh_from_db()
    return row


def test_the_job_keeps_the_result_of_the_latest_comparison(bob: Person) -> None:
    compared()
    buy(bob)

    row = compared()

    assert row.result is not None
    assert row.result["at_stripe"] == {"charge": [1, 1000, 59, 941]}
    assert (row.error, StripeComparison.objects.count()) == ("", 1)


def test_a_stripe_that_is_down_or_has_too_much_ends_in_words(
    bob: Person, sandbox: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    buy(bob)
    with stripe_is_down(settings):
        row = compared()
    settings.STRIPE_API_BASE = sandbox
    monkeypatch.setattr(stripe_comparison, "MOST_SECONDS", -1)

    assert (row.error, row.result) == ("Stripe: APIConnectionError", None)
    assert row.compared_at
    assert "choose fewer days" in compared().error


@pytest.mark.parametrize("body", [{"data": [{"id": "txn_1"}]}, {"data": [{"created": "x"}]}])
def test_an_answer_that_makes_no_sense_ends_in_words(settings: Any, body: Any) -> None:
    nonsense = json.dumps({"object": "list", "has_more": False, **body}).encode()
    with stripe_answers(settings, 200, nonsense):
        row = compared()

    assert row.error.startswith("Stripe's answer is not what its documentation says")
