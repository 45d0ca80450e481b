"""A reversal posts the opposite of an adjustment, once, under the same limit."""

from decimal import Decimal
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from accounts import adjustment_rules as rules
from accounts import adjustments
from accounts.models import Adjustment, User
from accounts.tests.factories import Person, member_of
from accounts.tests.test_adjustments import NOW, approve, ask, reject, reverse, sam


def test_it_posts_the_opposite(alice: Person) -> None:
    adjustment = ask(alice, "50.00")

    reversal = reverse(adjustment)

    assert (reversal.status, alice.balance()) == ("posted", "0.00")
    assert reversal.amount == -50
    assert reversal.ledger_entry
    assert reversal.ledger_entry.reverses == adjustment.ledger_entry


def status_of(adjustment: Adjustment) -> str:
    adjustment.refresh_from_db()
    return adjustment.status


def test_it_has_a_status_of_its_own_once_its_reversal_is_posted(alice: Person) -> None:
    adjustment = approve(ask(alice, "250.00"))

    reversal = reverse(adjustment)
    waiting = status_of(adjustment)
    approve(reversal)

    assert (waiting, status_of(adjustment), status_of(reversal)) == ("posted", "reversed", "posted")


def test_it_is_reversed_though_who_decided_left_and_its_owner_is_staff_now(alice: Person) -> None:
    ask(alice, "60.00", now=NOW)
    adjustment = approve(ask(alice, "50.00"))
    frank = member_of("Finance", "frank")
    User.objects.filter(username="fiona").update(is_active=False)
    alice.change(is_staff=True)

    reverse(adjustment, by=frank)

    assert (status_of(adjustment), alice.balance()) == ("reversed", "60.00")


def test_a_repeated_token_returns_the_first_reversal(alice: Person) -> None:
    adjustment, token = ask(alice, "50.00"), uuid4()

    assert reverse(adjustment, token=token) == reverse(adjustment, token=token)
    assert alice.balance() == "0.00"


def test_an_adjustment_is_reversed_once(alice: Person) -> None:
    adjustment, _ = ask(alice, "20.00"), ask(alice, "20.00")
    reverse(adjustment)
    adjustment.refresh_from_db()
    preview = partial(adjustments.preview, user=alice.user, amount=Decimal(-20), by=sam(), now=NOW)

    with pytest.raises(rules.NotReversibleError, match="already"):
        reverse(adjustment)
    with pytest.raises(rules.NotReversibleError, match="already"):
        preview(reverses=adjustment)


def test_a_reversal_above_the_limit_waits_too(alice: Person) -> None:
    reversal = reverse(approve(ask(alice, "250.00")))

    assert (reversal.status, alice.balance()) == ("waiting", "250.00")
    assert (approve(reversal).status, alice.balance()) == ("posted", "0.00")


def test_while_a_reversal_waits_there_is_no_other(alice: Person) -> None:
    adjustment = approve(ask(alice, "250.00"))
    reverse(adjustment)

    with pytest.raises(rules.NotReversibleError, match="is waiting"):
        reverse(adjustment)


def withdraw(adjustment: Adjustment) -> Adjustment:
    return adjustments.withdraw(adjustment.pk, by=sam(), note="", now=NOW)


@pytest.mark.parametrize("close", [reject, withdraw])
def test_another_reversal_is_possible_after_one_that_is_closed(alice: Person, close: Any) -> None:
    adjustment = approve(ask(alice, "250.00"))
    close(reverse(adjustment))

    assert reverse(adjustment).status == "waiting"


@pytest.mark.parametrize("state", [partial(ask), lambda *a: reject(ask(*a))])
def test_an_adjustment_that_was_not_posted_cannot_be_reversed(alice: Person, state: Any) -> None:
    with pytest.raises(rules.NotReversibleError, match="not posted"):
        reverse(state(alice, "250.00"))


def test_a_reversal_cannot_be_reversed(alice: Person) -> None:
    reversal = reverse(ask(alice, "10.00"))

    with pytest.raises(rules.NotReversibleError, match="cannot be reversed"):
        reverse(reversal)


def test_a_reversal_cannot_make_the_balance_negative(alice: Person) -> None:
    adjustment = ask(alice, "50.00")
    ask(alice, "-1.00")

    with pytest.raises(rules.BelowZeroError):
        reverse(adjustment)
