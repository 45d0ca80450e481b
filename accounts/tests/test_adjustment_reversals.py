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
from accounts.tests.test_adjustments import NOW, approve, ask, reject, reverse, sam, withdraw


def test_it_posts_the_opposite_once_for_a_token(alice: Person) -> None:
    adjustment, token = ask(alice, "50.00"), uuid4()

    reversal, repeated = reverse(adjustment, token=token), reverse(adjustment, token=token)

    assert (reversal.status, alice.balance()) == ("posted", "0.00")
    assert reversal.amount == -50
    assert repeated == reversal
    assert reversal.ledger_entry
    assert reversal.ledger_entry.reverses == adjustment.ledger_entry


def status_of(adjustment: Adjustment) -> str:
    adjustment.refresh_from_db()
    return adjustment.status


def test_above_the_limit_it_waits_too_and_then_its_original_has_another_status(
    alice: Person,
) -> None:
    adjustment = approve(ask(alice, "250.00"))

    reversal = reverse(adjustment)
    before = (status_of(adjustment), status_of(reversal), alice.balance())
    approve(reversal)

    assert before == ("posted", "waiting", "250.00")
    assert (status_of(adjustment), status_of(reversal)) == ("reversed", "posted")
    assert alice.balance() == "0.00"


def test_it_is_reversed_though_who_decided_left_and_its_owner_is_staff_now(alice: Person) -> None:
    ask(alice, "60.00", now=NOW)
    adjustment = approve(ask(alice, "50.00"))
    frank = member_of("Finance", "frank")
    User.objects.filter(username="fiona").update(is_active=False)
    alice.change(is_staff=True)

    reverse(adjustment, by=frank)

    assert (status_of(adjustment), alice.balance()) == ("reversed", "60.00")


def reversing(amount: str, alice: Person) -> Adjustment:
    """Return an adjustment whose reversal was requested; above the limit that waits."""
    adjustment, _ = ask(alice, amount), ask(alice, "20.00")
    adjustment = approve(adjustment) if adjustment.status == "waiting" else adjustment
    reverse(adjustment)
    adjustment.refresh_from_db()
    return adjustment


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (partial(reversing, "20.00"), "was reversed already"),
        (partial(reversing, "250.00"), "is waiting"),
        (lambda alice: ask(alice, "250.00"), "not posted"),
        (lambda alice: reject(ask(alice, "250.00")), "not posted"),
        (lambda alice: reverse(ask(alice, "10.00")), "cannot be reversed"),
    ],
)
def test_what_cannot_be_reversed_says_why(alice: Person, made: Any, why: str) -> None:
    adjustment = made(alice)
    preview = partial(adjustments.preview, user=alice.user, amount=Decimal(1), by=sam(), now=NOW)

    with pytest.raises(rules.NotReversibleError, match=why):
        reverse(adjustment)
    with pytest.raises(rules.NotReversibleError, match=why):
        preview(reverses=adjustment)


@pytest.mark.parametrize("close", [reject, withdraw])
def test_another_reversal_is_possible_after_one_that_is_closed(alice: Person, close: Any) -> None:
    adjustment = approve(ask(alice, "250.00"))
    close(reverse(adjustment))

    assert reverse(adjustment).status == "waiting"


def test_a_reversal_cannot_make_the_balance_negative(alice: Person) -> None:
    adjustment = ask(alice, "50.00")
    ask(alice, "-1.00")

    with pytest.raises(rules.BelowZeroError):
        reverse(adjustment)
