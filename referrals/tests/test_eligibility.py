"""The checks of a bonus are made in order, the first that fails decides, and all are stored."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Any

import pytest
from django.utils import timezone

from accounts.tests.factories import Person
from payments.models import Payment
from payments.tests.stripe_events import refer, settle
from referrals import bonuses, eligibility
from referrals.eligibility import CHECKS, CheckName, CheckResult, Decision, Inputs, Status
from referrals.models import Program
from referrals.tests.factories import ProgramFactory

AWARDED = Inputs(
    amount=Decimal("12.50"),
    buyer_id=2,
    buyer_email="bob@example.com",
    has_qualified=False,
    code="ABC12345",
    referrer_id=1,
    referrer_name="alice",
    referrer_email="alice@example.com",
    is_promised=False,
    is_claimed_later=False,
    is_referrer_active=True,
    is_mailbox_of_friend=False,
    uses=9,
    terms_start_at=datetime(2026, 1, 1, tzinfo=UTC),
    minimum_purchase=Decimal(10),
    max_uses=10,
    award=Decimal(20),
    budget_left=Decimal(20),
)
DELETED = replace(AWARDED, referrer_id=None, referrer_name="", referrer_email="")
# What makes each check fail, in the order of the checks, and what it then shows.
FAILURES: dict[CheckName, tuple[dict[str, Any], Decision, str, str]] = {
    CheckName.MINIMUM: ({"amount": Decimal("9.99")}, Decision.BELOW_MINIMUM, "9.99", "10.00"),
    CheckName.FIRST: ({"has_qualified": True}, Decision.NOT_FIRST, "", ""),
    CheckName.ATTRIBUTED: ({"code": None, "referrer_id": None}, Decision.NOT_REFERRED, "", ""),
    CheckName.REFERRER: ({"is_referrer_active": False}, Decision.REFERRER_GONE, "alice", ""),
    CheckName.OTHER: ({"buyer_id": 1}, Decision.SELF_REFERRAL, "alice", ""),
    CheckName.CAP: ({"uses": 10}, Decision.CAP_REACHED, "10", "10"),
    CheckName.BUDGET: ({"budget_left": Decimal("19.99")}, Decision.BUDGET_SPENT, "19.99", "20.00"),
    CheckName.MAILBOX: ({"buyer_email": "Alice+bob@example.com"}, Decision.HELD, "", ""),
    CheckName.FRIENDS: ({"is_mailbox_of_friend": True}, Decision.HELD, "", ""),
}


def results(inputs: Inputs) -> dict[CheckName, CheckResult]:
    return {result.name: result for result in eligibility.evaluate(inputs)}


def test_an_award_passes_every_check_in_order() -> None:
    assert eligibility.decide(AWARDED) == Decision.AWARDED
    assert eligibility.evaluate(AWARDED) == [
        CheckResult(CheckName.TERMS, Status.PASSED, "2026-01-01", "20.00"),
        CheckResult(CheckName.MINIMUM, Status.PASSED, "12.50", "10.00"),
        CheckResult(CheckName.FIRST, Status.PASSED),
        CheckResult(CheckName.ATTRIBUTED, Status.PASSED, "ABC12345"),
        CheckResult(CheckName.REFERRER, Status.PASSED, "alice"),
        CheckResult(CheckName.OTHER, Status.PASSED, "alice"),
        CheckResult(CheckName.CAP, Status.PASSED, "9", "10"),
        CheckResult(CheckName.BUDGET, Status.PASSED, "20.00", "20.00"),
        CheckResult(CheckName.MAILBOX, Status.PASSED),
        CheckResult(CheckName.FRIENDS, Status.PASSED),
    ]


@pytest.mark.parametrize("name", FAILURES)
def test_a_check_that_fails_decides(name: CheckName) -> None:
    changes, decision, found, required = FAILURES[name]
    inputs = replace(AWARDED, **changes)

    assert eligibility.decide(inputs) == decision
    assert results(inputs)[name] == CheckResult(name, Status.FAILED, found, required)
    assert results(inputs)[name].decision == decision


@pytest.mark.parametrize(("first", "later"), list(combinations(FAILURES, 2)))
def test_of_two_checks_that_fail_the_first_decides(first: CheckName, later: CheckName) -> None:
    changes, decision, *_ = FAILURES[first]

    assert eligibility.decide(replace(AWARDED, **FAILURES[later][0] | changes)) == decision


def test_all_checks_are_made_and_none_of_a_budget_that_is_not_there() -> None:
    found = results(replace(AWARDED, amount=Decimal(5), uses=10, budget_left=None))

    assert found[CheckName.MINIMUM].status == found[CheckName.CAP].status == Status.FAILED
    assert found[CheckName.FIRST].status == Status.PASSED
    assert found[CheckName.BUDGET] == CheckResult(CheckName.BUDGET, Status.PASSED)


def test_without_a_referrer_the_checks_of_the_referrer_are_not_made() -> None:
    found = results(replace(AWARDED, code=None, referrer_id=None))

    assert found[CheckName.ATTRIBUTED].status == Status.FAILED
    assert [found[name] for name in list(CheckName)[4:]] == [
        CheckResult(name, Status.NOT_CHECKED) for name in list(CheckName)[4:]
    ]


def test_a_deleted_referrer_fails_the_check_of_the_account(db: None) -> None:
    found = results(DELETED)

    assert eligibility.decide(DELETED) == Decision.REFERRER_GONE
    assert found[CheckName.REFERRER] == CheckResult(CheckName.REFERRER, Status.FAILED)
    assert {found[name].status for name in list(CheckName)[5:]} == {Status.NOT_CHECKED}
    results_of = eligibility.evaluate(DELETED)
    assert eligibility.from_json(eligibility.to_json(results_of)) == results_of


@pytest.mark.parametrize(
    ("in_force", "promised", "is_kept"),
    [
        ({}, {}, False),
        ({"uses": 10}, {"award": Decimal("0.02")}, True),
        ({"uses": 10}, {"amount": Decimal(5)}, True),
        ({"uses": 10}, {"uses": 10}, False),
        ({}, {"award": Decimal(19)}, False),
    ],
    ids=["the same", "something", "something later", "nothing", "more in force"],
)
def test_the_promise_is_kept_where_it_brings_more(
    in_force: dict[str, Any], promised: dict[str, Any], is_kept: bool
) -> None:
    now, then = replace(AWARDED, **in_force), replace(AWARDED, **promised)

    assert eligibility.better(now, then) is (then if is_kept else now)


def test_what_only_holds_a_bonus_comes_last() -> None:
    """So that a purchase that is held would be awarded, were there no such check."""
    decisions = [check.decision for check in CHECKS]

    assert [check.name for check in CHECKS] == list(CheckName)
    assert Decision.HELD not in decisions[: decisions.index(Decision.HELD)]
    assert set(decisions[decisions.index(Decision.HELD) :]) == {Decision.HELD}


@pytest.mark.parametrize("name", [CheckName.MAILBOX, CheckName.FRIENDS])
def test_each_check_that_holds_a_bonus_has_a_reason_of_its_own(name: CheckName) -> None:
    checks = eligibility.evaluate(replace(AWARDED, **FAILURES[name][0]))

    assert eligibility.hold_reason(checks) == eligibility._HOLD_REASONS[name]


def stored(payment: Payment) -> dict[CheckName, CheckResult]:
    payment.refresh_from_db()
    return {result.name: result for result in eligibility.from_json(payment.checks)}


def test_settlement_stores_every_result_as_it_was_then(alice: Person, bob: Person) -> None:
    payment = settle(bob.user, 1250)
    before = stored(payment)
    refer(alice, 9)
    ProgramFactory.create(minimum_purchase=Decimal("50.00"))
    alice.change(is_active=False)

    assert list(before) == list(CheckName)
    assert {result.status for result in before.values()} == {Status.PASSED}
    assert before[CheckName.MINIMUM] == CheckResult(
        CheckName.MINIMUM, Status.PASSED, "12.50", "10.00"
    )
    assert before[CheckName.ATTRIBUTED].found == alice.code
    assert before[CheckName.CAP] == CheckResult(CheckName.CAP, Status.PASSED, "0", "10")
    assert stored(payment) == before


def test_a_budget_that_another_purchase_has_just_spent_fails_its_check(
    bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_ago = timezone.now() - timedelta(days=91)
    bob.change(created_at=long_ago)
    terms = ProgramFactory.create(budget=Decimal("30.00"))
    reserve = bonuses.reserve_award

    def reserve_too_late(terms: Program) -> bool:
        Program.objects.filter(pk=terms.pk).update(reserved=Decimal(20))
        return reserve(terms)

    monkeypatch.setattr(bonuses, "reserve_award", reserve_too_late)
    payment = settle(bob.user)
    Program.objects.filter(pk=terms.pk).update(reserved=0)

    assert payment.bonus_decision == Decision.BUDGET_SPENT
    assert stored(payment)[CheckName.BUDGET] == CheckResult(
        CheckName.BUDGET, Status.FAILED, "10.00", "20.00"
    )
