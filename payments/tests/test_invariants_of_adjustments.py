"""Every error in adjustments breaks the invariant that describes it."""

import pytest

from accounts.models import Adjustment
from accounts.tests.factories import Person
from accounts.tests.test_adjustments import approve, ask, reverse
from payments.tests.guards import wrong
from payments.tests.test_invariants import found, without

pytestmark = pytest.mark.negative_control

ENTRY = "a posted adjustment has its one entry"
BELONGS = "an adjustment entry belongs to a posted adjustment"
TWO_PEOPLE = "an adjustment above the limit has two people"


@pytest.fixture
def adjusted(alice: Person) -> Adjustment:
    """Alice got adjustments of $10.00 and $5.00; the second was reversed."""
    reverse(ask(alice, "5.00"))
    return ask(alice, "10.00")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE adjustments SET amount = amount + 1",
        "UPDATE adjustments SET user_id = (SELECT id FROM users WHERE username = 'charlie')",
        "UPDATE adjustments SET reverses_id = NULL",
    ],
)
@pytest.mark.usefixtures("adjusted", "charlie")
def test_it_finds_an_adjustment_that_does_not_match_its_entry(statement: str) -> None:
    wrong((statement,))

    assert found() == {ENTRY}


@pytest.mark.usefixtures("adjusted")
def test_it_finds_an_adjustment_without_an_entry() -> None:
    wrong(
        without("adjustments", "adjustments_posted_by_an_entry"),
        ("UPDATE adjustments SET ledger_entry_id = NULL",),
    )

    assert found() == {ENTRY, BELONGS}


@pytest.mark.parametrize("kind", ["adjustment", "reversal"])
def test_it_finds_an_entry_without_its_adjustment(adjusted: Adjustment, kind: str) -> None:
    wrong(
        (
            "DELETE FROM adjustments USING ledger_entries e"
            " WHERE e.id = ledger_entry_id AND e.kind = %s",
            kind,
        )
    )

    assert BELONGS in found()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE adjustments SET decided_by_id = NULL",
        "UPDATE adjustments SET decided_by_id = requested_by_id",
        "UPDATE adjustments SET decided_by_id = user_id",
        "UPDATE adjustments SET requested_by_id = NULL",
    ],
)
def test_it_finds_one_person_above_the_limit(alice: Person, statement: str) -> None:
    approve(ask(alice, "250.00"))

    wrong(
        without("adjustments", "adjustments_decided_with_a_reason"),
        without("adjustments", "adjustments_above_the_limit_need_two"),
        without("adjustments", "adjustments_decided_by_another"),
        without("adjustments", "adjustments_not_of_ones_own"),
        (statement,),
    )

    assert found() == {TWO_PEOPLE}
