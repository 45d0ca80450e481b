"""Every error in the ledger breaks the invariant that describes it.

The database refuses each of these wrongs; here its guards are down, for one statement.
"""

from decimal import Decimal
from pathlib import Path

import pytest
from django.utils import timezone

from accounts import ledger
from accounts.models import LedgerEntry
from accounts.tests.factories import Person
from accounts.tests.test_adjustments import ask, reverse
from payments.models import Payment
from payments.reports.invariants import INVARIANTS, breaches
from payments.tests.guards import wrong
from payments.tests.stripe_events import (
    deliver,
    dispute,
    pending_payment,
    refer,
    refund,
    settle,
)
from referrals.tests.factories import ProgramFactory

ENTRY = """INSERT INTO ledger_entries (user_id, kind, amount, balance_after, number,
    idempotency_key, description, reference, created_at) SELECT id, %s, %s, credits + 5,
    (SELECT COUNT(*) + 1 FROM ledger_entries WHERE user_id = users.id), 'forged', '', '', now()
    FROM users WHERE username = %s"""
BALANCE = "UPDATE users SET credits = credits + 5 WHERE username = %s"


def without(table: str, constraint: str) -> tuple[str]:
    return (f"ALTER TABLE {table} DROP CONSTRAINT {constraint}",)


def found() -> set[str]:
    return {breach.invariant for breach in breaches()}


@pytest.fixture
def settled(alice: Person, bob: Person) -> Payment:
    """Alice has referred Bob, who bought for $10 with a bonus, and for $2 before that."""
    settle(bob.user, 200)
    return settle(bob.user)


pytestmark = pytest.mark.negative_control


def test_it_finds_nothing_when_all_is_well(alice: Person, settled: Payment) -> None:
    refer(alice, 2)

    assert breaches() == []


def test_it_finds_a_balance_that_is_not_the_sum(settled: Payment) -> None:
    wrong((BALANCE, "alice"))

    assert found() == {"a balance is the sum of its entries"}


def test_it_finds_a_balance_without_entries(settled: Payment, charlie: Person) -> None:
    wrong((BALANCE, "charlie"))

    (breach,) = breaches()
    assert breach.subject == f"user {charlie.user.pk}"
    assert breach.detail == "credits 5.00, entries 0"


def test_it_finds_a_deleted_entry(settled: Payment, bob: Person) -> None:
    wrong(("DELETE FROM ledger_entries WHERE amount = 2",))

    assert found() == {
        "a balance is the sum of its entries",
        "entries are chained without gaps",
        "a paid payment has its one purchase entry",
    }


def test_it_finds_an_entry_that_was_changed(settled: Payment) -> None:
    wrong(("UPDATE ledger_entries SET balance_after = 999 WHERE kind = 'referrer_bonus'",))

    assert found() == {"entries are chained without gaps"}


def test_it_finds_entries_that_are_counted_wrong(settled: Payment) -> None:
    wrong(("UPDATE ledger_entries SET number = 9 WHERE kind = 'referrer_bonus'",))

    assert found() == {"entries are chained without gaps"}


@pytest.mark.parametrize(
    "change", ["amount = -4", "user_id = other.id", "reverses_id = ledger_entries.id"]
)
def test_it_finds_a_reversal_that_is_not_the_opposite(
    bob: Person, charlie: Person, change: str
) -> None:
    reverse(ask(bob, "5.00"))
    before = found()

    wrong(
        (
            f"UPDATE ledger_entries SET {change} FROM users other"  # noqa: S608
            " WHERE other.username = 'charlie' AND kind = 'reversal'",
        )
    )

    assert before == set()
    assert "a reversal is the exact opposite of an entry that is not a reversal" in found()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE payments SET amount = amount + 1",
        "UPDATE payments SET user_id = (SELECT id FROM users WHERE username = 'charlie')",
        "UPDATE payments SET ledger_entry_id = -ledger_entry_id",
    ],
)
def test_it_finds_a_payment_that_does_not_match_its_entry(
    settled: Payment, charlie: Person, statement: str
) -> None:
    wrong((statement,))

    assert "a paid payment has its one purchase entry" in found()


def test_it_finds_a_paid_payment_without_an_entry(settled: Payment, bob: Person) -> None:
    pending_payment(bob.user)

    wrong(
        without("payments", "payments_paid_means_credited"),
        (
            "UPDATE payments SET status = 'paid', bonus_decision = 'not_first'"
            " WHERE status = 'pending'",
        ),
    )

    assert found() == {"a paid payment has its one purchase entry"}


def test_it_finds_a_purchase_that_nobody_paid(settled: Payment) -> None:
    wrong((ENTRY, "purchase", "5", "bob"), (BALANCE, "bob"))

    assert found() == {"a purchase entry belongs to a paid payment"}


@pytest.mark.parametrize("kind", ["referrer_bonus", "referee_bonus"])
def test_it_finds_a_bonus_without_a_referral(settled: Payment, kind: str) -> None:
    wrong((ENTRY, kind, "5", "bob"), (BALANCE, "bob"))

    assert found() == {"a bonus that is not reversed belongs to a completed referral"}


@pytest.mark.parametrize(
    "change",
    [
        "bonus_amount = 11",
        "referee_bonus_amount = 9",
        "referrer_entry_id = referee_entry_id, referee_entry_id = referrer_entry_id",
        "referrer_entry_id = -1",
    ],
)
def test_it_finds_a_referral_that_does_not_match_its_bonuses(settled: Payment, change: str) -> None:
    wrong((f"UPDATE referrals SET {change}",))  # noqa: S608

    assert "a completed referral has its two bonus entries" in found()


def test_it_finds_a_gap_in_the_uses(settled: Payment) -> None:
    wrong(("UPDATE referrals SET use_number = 3",))

    assert found() == {"use numbers have no gap and stay within the cap"}


def test_it_finds_a_use_above_the_cap(alice: Person, settled: Payment) -> None:
    refer(alice, 1)

    wrong(
        without("referrals", "referrals_within_cap"),
        ("UPDATE referrals SET max_uses = 1",),
    )

    assert found() == {"use numbers have no gap and stay within the cap"}


@pytest.mark.parametrize("change", ["referred_by_code = NULL", "referred_by_code = 'ABC12345'"])
def test_it_finds_a_referral_with_a_code_that_the_referee_did_not_use(
    settled: Payment, change: str
) -> None:
    wrong((f"UPDATE users SET {change} WHERE username = 'bob'",))  # noqa: S608

    assert found() == {"a referral has the code that the referee registered with"}


def test_it_finds_a_first_purchase_that_is_not_flagged(settled: Payment) -> None:
    wrong(("UPDATE users SET has_made_first_purchase = FALSE WHERE username = 'bob'",))

    assert found() == {
        "a buyer has one first qualifying purchase, and the flag is set",
        "a referral has the code that the referee registered with",
    }


def test_it_finds_a_second_first_purchase(settled: Payment) -> None:
    wrong(("UPDATE payments SET bonus_decision = 'not_referred' WHERE amount = 200",))

    assert found() == {"a buyer has one first qualifying purchase, and the flag is set"}


def test_it_finds_a_referral_from_no_payment(settled: Payment) -> None:
    wrong(("UPDATE payments SET referral_id = NULL",))

    assert found() == {"a referral came from a paid qualifying purchase"}


def test_it_finds_a_referral_from_a_purchase_that_did_not_qualify(settled: Payment) -> None:
    wrong(("UPDATE programs SET minimum_purchase = 10.01",))

    assert found() == {
        "a referral came from a paid qualifying purchase",
        "bonuses are paid only while the purchase qualifies",
    }


def test_it_finds_a_status_that_does_not_follow_from_the_review(settled: Payment) -> None:
    wrong(("UPDATE referrals SET review = 'held'",))

    assert found() == {"a referral's status follows from its review and its purchase"}


def test_it_finds_a_bonus_of_a_purchase_that_was_refunded(settled: Payment) -> None:
    deliver(dispute(settled, 1000))

    wrong(("UPDATE referrals SET purchase_qualifies = TRUE",))

    assert found() == {
        "a referral's status follows from its review and its purchase",
        "bonuses are paid only while the purchase qualifies",
    }


@pytest.mark.parametrize("kind", ["purchase", "referrer_bonus", "referee_bonus", "refund"])
def test_it_finds_a_record_that_points_at_a_reversed_entry(settled: Payment, kind: str) -> None:
    deliver(refund(Payment.objects.get(amount=200), 100))
    before = found()

    for entry in LedgerEntry.objects.filter(kind=kind):
        ledger.reverse(entry, description="A mistake", now=timezone.now())

    assert before == set()
    assert "no record points at a reversed entry" in found()


def test_it_finds_a_reserved_amount_that_is_not_the_cost_of_the_uses(bob: Person) -> None:
    ProgramFactory.create(budget=Decimal("100.00"))
    settle(bob.user)

    wrong(("UPDATE programs SET reserved = 40 WHERE budget IS NOT NULL",))

    assert found() == {"the reserved part of a budget is the cost of its uses"}


def test_every_invariant_is_broken_by_a_test_above() -> None:
    """Or by one of the neighbour, which breaks those of refunds, disputes and events."""
    tests = "".join(file.read_text() for file in Path(__file__).parent.glob("test_invariants*.py"))

    assert [name for name in INVARIANTS if f'"{name}"' not in tests] == []
