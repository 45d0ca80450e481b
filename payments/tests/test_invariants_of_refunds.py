"""Every error in refunds, disputes and events breaks the invariant that describes it."""

import pytest

from accounts.tests.factories import Person
from payments.models import Payment
from payments.tests.guards import wrong
from payments.tests.stripe_events import deliver, pending_payment, refund, settle
from payments.tests.test_invariants import BALANCE, ENTRY, found

pytestmark = pytest.mark.negative_control


@pytest.fixture
def settled(bob: Person) -> Payment:
    """Bob, whom Alice referred, bought for $10 with a bonus, and for $2 before that."""
    settle(bob.user, 200)
    return settle(bob.user)


def test_it_finds_more_taken_back_than_was_refunded(settled: Payment) -> None:
    wrong(("UPDATE payments SET taken_back = 1 WHERE amount = 200",))

    assert found() == {"no more is taken back than was credited"}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entries SET kind = 'dispute' WHERE kind = 'refund'",
        "UPDATE clawbacks SET payment_id = (SELECT id FROM payments WHERE user_id <> ALL"
        " (SELECT user_id FROM ledger_entries WHERE kind = 'refund'))",
        "UPDATE clawbacks SET status = 'failed'",
    ],
)
def test_it_finds_a_refund_that_does_not_match_its_entry(
    settled: Payment, charlie: Person, statement: str
) -> None:
    settle(charlie.user)
    deliver(refund(settled, 1000))

    wrong((statement,))

    assert "the amount that a refund or dispute takes back is an entry of its own" in found()


@pytest.mark.parametrize("kind", ["refund", "dispute"])
def test_it_finds_a_refund_entry_without_a_refund(settled: Payment, kind: str) -> None:
    wrong((ENTRY.replace("credits + 5", "credits - 5"), kind, "-5", "bob"))
    wrong((BALANCE.replace("+", "-"), "bob"))

    assert found() == {"an entry that takes credits back belongs to a refund or dispute"}


def test_it_finds_a_refund_that_was_not_applied(settled: Payment, charlie: Person) -> None:
    deliver(refund(pending_payment(charlie.user), 1000))

    wrong(("UPDATE clawbacks SET payment_intent_id = %s", settled.payment_intent_id or ""))

    assert found() == {"a refund or dispute of a settled purchase is applied"}


def test_it_finds_an_event_that_is_unprocessed_for_a_day(settled: Payment) -> None:
    wrong(
        (
            "UPDATE stripe_events SET outcome = 'failed', processed_at = NULL,"
            " received_at = now() - interval '25 hours'",
        )
    )

    assert found() == {"no event is stuck for a day"}
