"""What one operator adjusts alone adds up, on one account and on all; above the limit it waits."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from accounts import adjustment_rules as rules
from accounts import adjustments
from accounts.models import Adjustment
from accounts.tests.factories import Person, give, register
from accounts.tests.test_adjustments import NOW, approve, ask, fiona, sam
from payments.tests.stripe_events import deliver, refund, settle


@pytest.mark.parametrize("amount", ["100.00", "-100.00"])
def test_the_limit_itself_needs_no_second_person(alice: Person, amount: str) -> None:
    give(alice, "100.00")

    assert ask(alice, amount).status == "posted"


@pytest.mark.parametrize("amount", ["100.01", "-100.01"])
def test_a_cent_more_waits(alice: Person, amount: str) -> None:
    approve(ask(alice, "500.00"))

    assert ask(alice, amount).status == "waiting"
    assert alice.balance() == "500.00"


def test_the_limit_is_a_setting(alice: Person, settings: Any) -> None:
    settings.ADJUSTMENT_APPROVAL_LIMIT = Decimal(0)

    assert ask(alice, "0.01").status == "waiting"


def test_what_is_split_waits_once_it_adds_up_to_more(alice: Person) -> None:
    parts = [ask(alice, amount).status for amount in ("60.00", "-40.00", "0.01")]

    assert parts == ["posted", "posted", "waiting"]
    assert alice.balance() == "20.00"


def test_the_day_after_the_limit_is_whole_again(alice: Person) -> None:
    ask(alice, "100.00", now=NOW - timedelta(hours=24))

    assert ask(alice, "100.00").status == "posted"


def test_until_the_day_is_over_the_limit_is_spent(alice: Person) -> None:
    ask(alice, "100.00", now=NOW - timedelta(hours=23, minutes=59))

    assert ask(alice, "0.01").status == "waiting"


def test_a_debt_may_be_made_smaller(alice: Person) -> None:
    purchase = settle(alice.user)
    ask(alice, "-10.00")
    deliver(refund(purchase, 1000))

    assert (ask(alice, "0.01").status, alice.balance()) == ("posted", "-9.99")


def test_another_account_and_another_operator_have_limits_of_their_own(
    alice: Person, charlie: Person
) -> None:
    ask(alice, "100.00")

    others = ask(charlie, "100.00"), ask(alice, "100.00", by=fiona())

    assert [one.status for one in others] == ["posted", "posted"]


def test_what_another_person_approved_does_not_count(alice: Person) -> None:
    approve(ask(alice, "100.01"))

    assert ask(alice, "100.00").status == "posted"


def spend(amount: str, *, people: int, **changes: Any) -> None:
    """Let Sam adjust as many accounts by the amount."""
    for number in range(people):
        ask(register(f"friend{number}"), amount, **changes)


@pytest.mark.parametrize("amount", ["0.01", "-0.01"])
def test_the_limit_of_ten_accounts_is_the_limit_of_all(alice: Person, amount: str) -> None:
    give(alice, "1.00")
    spend("100.00", people=rules.ACCOUNTS_A_DAY)

    waiting = ask(alice, amount)

    assert (waiting.status, alice.balance()) == ("waiting", "1.00")
    assert ask(alice, amount, by=fiona()).status == "posted"


def test_the_day_after_it_is_whole_again_for_all(alice: Person) -> None:
    spend("100.00", people=rules.ACCOUNTS_A_DAY, now=NOW - timedelta(hours=24))

    assert ask(alice, "100.00").status == "posted"


@pytest.mark.parametrize(("people", "left", "in_all"), [(9, "100.00", False), (10, "0.00", True)])
def test_a_preview_tells_which_limit_it_is(
    alice: Person, people: int, left: str, in_all: bool
) -> None:
    spend("100.00", people=people)

    seen = adjustments.preview(user=alice.user, amount=Decimal("100.01"), by=sam(), now=NOW)

    assert seen.needs_approval
    assert (seen.left_of_limit, seen.is_left_in_all) == (Decimal(left), in_all)


def test_nobody_asks_for_what_takes_two_people(alice: Person) -> None:
    with pytest.raises(rules.NobodyAsksError, match="--by"):
        ask(alice, "100.01", by=None)

    assert not Adjustment.objects.exists()


def test_nobody_reverses_what_takes_two_people(alice: Person) -> None:
    adjustment = approve(ask(alice, "250.00"))

    with pytest.raises(rules.NobodyAsksError):
        adjustments.reverse(adjustment.pk, reason="Wrong", by=None, token=uuid4(), now=NOW)
