"""Every error in the books breaks the invariants that describe it, and no other.

The database refuses each of these wrongs; here its guards are down, for one statement.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from django.utils import timezone

from accounts import ledger
from accounts.models import LedgerEntry
from accounts.tests.factories import Person
from accounts.tests.test_adjustments import approve, ask, reverse
from payments.models import Payment
from payments.reports import daily
from payments.reports.invariants import INVARIANTS, breaches
from payments.reports.month import LINES
from payments.tests.claim_guards import CLAIM
from payments.tests.database_guards import (
    ADJUSTED,
    ADJUSTMENT_ENTRY,
    BALANCE,
    BONUS_ENTRIES,
    BUDGET,
    CHAIN,
    CLAWBACK,
    CODE,
    PURCHASE,
    PURCHASE_ENTRY,
    QUALIFYING,
    REVERSAL,
    REVERSED,
    TAKEN_BACK,
    TWO_PEOPLE,
    USES,
)
from payments.tests.guards import wrong
from payments.tests.stripe_events import deliver, dispute, pending_payment, refer, refund, settle
from referrals.tests.factories import ProgramFactory

pytestmark = pytest.mark.negative_control

POINTER = "no record points at a reversed entry"
BONUS = "a bonus that is not reversed belongs to a completed referral"
STATUS = "a referral's status follows from its review and its purchase"
STILL_PAID = "bonuses are paid only while the purchase qualifies"
FIRST = "a buyer has one first qualifying purchase, and the flag is set"
CLAWBACK_ENTRY = "an entry that takes credits back belongs to a refund or dispute"
NOT_APPLIED = "a refund or dispute of a settled purchase is applied"
STUCK = "no event is stuck for a day"
DAYS = "the stored totals of each day are those of its entries"

Story = Callable[[Person, Person, Person], Any]


def bought(alice: Person, bob: Person, charlie: Person) -> Payment:
    """Let Bob, whom Alice referred, buy for $2, and for $10 with a bonus, and begin to buy."""
    settle(bob.user, 200)
    pending_payment(bob.user)
    return settle(bob.user)


def day_is_closed(alice: Person, bob: Person, charlie: Person) -> None:
    """Let Bob buy, and the day be stored, and the next one."""
    bought(alice, bob, charlie)
    daily.close_days(now=timezone.now() + 3 * daily.DAY)


def referred_two(alice: Person, bob: Person, charlie: Person) -> None:
    bought(alice, bob, charlie)
    refer(alice)


def was_disputed(alice: Person, bob: Person, charlie: Person) -> None:
    deliver(dispute(bought(alice, bob, charlie), 1000))


def was_refunded(alice: Person, bob: Person, charlie: Person) -> None:
    deliver(refund(bought(alice, bob, charlie), 1000))
    settle(charlie.user)


def was_refunded_early(alice: Person, bob: Person, charlie: Person) -> None:
    bought(alice, bob, charlie)
    deliver(refund(pending_payment(charlie.user), 1000))


def had_a_budget(alice: Person, bob: Person, charlie: Person) -> None:
    ProgramFactory.create(budget=Decimal("100.00"))
    settle(bob.user)


def was_adjusted(alice: Person, bob: Person, charlie: Person) -> None:
    """Let Alice get $10.00, $250.00 that is approved, and $5.00 that is reversed."""
    reverse(ask(alice, "5.00"))
    ask(alice, "10.00")
    approve(ask(alice, "250.00"))


class Wrong(NamedTuple):
    """Statements, the invariants that they break, and what happened before."""

    statements: str
    broken: set[str]
    story: Story


def case(statements: str, *broken: str, after: Story = bought) -> Wrong:
    return Wrong(statements, set(broken), after)


def raise_balance(who: str, amount: int = 5) -> str:
    return f"UPDATE users SET credits = credits + {amount} WHERE username = '{who}'"


def forge(kind: str, amount: int = 5) -> str:
    """Return the statements that give Bob such an entry, and its amount."""
    return f"""INSERT INTO ledger_entries (user_id, kind, amount, balance_after, number,
        idempotency_key, description, reference, created_at) SELECT id, '{kind}', {amount},
        credits + {amount}, (SELECT COUNT(*) + 1 FROM ledger_entries WHERE user_id = users.id),
        'forged', '', '', now() FROM users WHERE username = 'bob';
        {raise_balance("bob", amount)}"""


def reversal(change: str, *more: str) -> Wrong:
    change = f"UPDATE ledger_entries SET {change} WHERE kind = 'reversal'"
    return case(change, REVERSAL, ADJUSTED, *more, after=was_adjusted)


def unadjusted(kind: str, *broken: str) -> Wrong:
    """Delete the adjustment of such an entry."""
    those = f"e.id = ledger_entry_id AND e.kind = '{kind}'"
    change = f"DELETE FROM adjustments USING ledger_entries e WHERE {those}"
    return case(change, *broken, after=was_adjusted)


def above_the_limit(change: str) -> Wrong:
    guards = (
        "decided_with_a_reason",
        "above_the_limit_need_two",
        "decided_by_another",
        "not_of_ones_own",
    )
    down = "".join(
        f"ALTER TABLE adjustments DROP CONSTRAINT adjustments_{name};" for name in guards
    )
    return case(f"{down} UPDATE adjustments SET {change}", TWO_PEOPLE, after=was_adjusted)


CHARLIE = "(SELECT id FROM users WHERE username = 'charlie')"
CASES = [
    case(raise_balance("alice"), BALANCE),
    # The ledger.
    case("DELETE FROM ledger_entries WHERE amount = 2", BALANCE, CHAIN, PURCHASE),
    case("UPDATE ledger_entries SET balance_after = 999 WHERE kind = 'referrer_bonus'", CHAIN),
    case("UPDATE ledger_entries SET number = 9 WHERE kind = 'referrer_bonus'", CHAIN),
    reversal("amount = -4", BALANCE, CHAIN),
    reversal(f"user_id = {CHARLIE}", BALANCE, CHAIN),
    reversal("reverses_id = id"),
    # Purchases.
    case("UPDATE payments SET amount = amount + 1", PURCHASE),
    case(f"UPDATE payments SET user_id = {CHARLIE}", PURCHASE, FIRST, QUALIFYING),
    case("UPDATE payments SET ledger_entry_id = -ledger_entry_id", PURCHASE, PURCHASE_ENTRY),
    case(
        "ALTER TABLE payments DROP CONSTRAINT payments_paid_means_credited; UPDATE payments"
        " SET status = 'paid', bonus_decision = 'not_first' WHERE status = 'pending'",
        PURCHASE,
    ),
    case(forge("purchase"), PURCHASE_ENTRY),
    case("UPDATE users SET has_made_first_purchase = FALSE WHERE username = 'bob'", FIRST, CODE),
    case("UPDATE payments SET bonus_decision = 'not_referred' WHERE amount = 200", FIRST),
    # Bonuses and referrals.
    case(forge("referrer_bonus"), BONUS),
    case(forge("referee_bonus"), BONUS),
    case("UPDATE referrals SET bonus_amount = 11", BONUS_ENTRIES),
    case("UPDATE referrals SET referee_bonus_amount = 9", BONUS_ENTRIES),
    case(
        "UPDATE referrals SET referrer_entry_id = referee_entry_id,"
        " referee_entry_id = referrer_entry_id",
        BONUS_ENTRIES,
    ),
    case("UPDATE referrals SET referrer_entry_id = -1", BONUS_ENTRIES, BONUS),
    case("UPDATE referrals SET use_number = 3", USES),
    case(
        "ALTER TABLE referrals DROP CONSTRAINT referrals_within_cap;"
        " UPDATE referrals SET max_uses = 1",
        USES,
        after=referred_two,
    ),
    case("UPDATE users SET referred_by_code = NULL WHERE username = 'bob'", CODE),
    case("UPDATE users SET referred_by_code = 'ABC12345' WHERE username = 'bob'", CODE),
    case("UPDATE payments SET referral_id = NULL", QUALIFYING),
    case("UPDATE programs SET minimum_purchase = 10.01", QUALIFYING, STILL_PAID),
    case("UPDATE referrals SET review = 'held'", STATUS),
    case("UPDATE referrals SET purchase_qualifies = TRUE", STATUS, STILL_PAID, after=was_disputed),
    case("UPDATE programs SET reserved = 40 WHERE budget IS NOT NULL", BUDGET, after=had_a_budget),
    # Refunds, disputes and events.
    case("UPDATE payments SET taken_back = 1 WHERE amount = 200", TAKEN_BACK),
    case(
        "UPDATE ledger_entries SET kind = 'dispute' WHERE kind = 'refund'",
        CLAWBACK,
        after=was_refunded,
    ),
    case(
        f"UPDATE clawbacks SET payment_id = (SELECT id FROM payments WHERE user_id = {CHARLIE})",
        CLAWBACK,
        TAKEN_BACK,
        after=was_refunded,
    ),
    case("UPDATE clawbacks SET status = 'failed'", CLAWBACK, TAKEN_BACK, after=was_refunded),
    case(forge("refund", -5), CLAWBACK_ENTRY),
    case(forge("dispute", -5), CLAWBACK_ENTRY),
    case(
        "UPDATE clawbacks SET payment_intent_id ="
        " (SELECT payment_intent_id FROM payments WHERE amount = 1000 AND status = 'paid')",
        NOT_APPLIED,
        after=was_refunded_early,
    ),
    case(
        "UPDATE stripe_events SET outcome = 'failed', processed_at = NULL,"
        " received_at = now() - interval '25 hours'",
        STUCK,
    ),
    *(
        case(f"UPDATE daily_totals SET {column} = {column} + 1", DAYS, after=day_is_closed)
        for column in ("net", *LINES)
    ),
    case("DELETE FROM daily_totals WHERE net > 0", DAYS, after=day_is_closed),
    # Adjustments.
    case("UPDATE adjustments SET amount = amount + 1", ADJUSTED, after=was_adjusted),
    case(f"UPDATE adjustments SET user_id = {CHARLIE}", ADJUSTED, after=was_adjusted),
    case("UPDATE adjustments SET reverses_id = NULL", ADJUSTED, REVERSED, after=was_adjusted),
    case(
        "ALTER TABLE adjustments DROP CONSTRAINT adjustments_posted_by_an_entry;"
        " UPDATE adjustments SET ledger_entry_id = NULL",
        ADJUSTED,
        ADJUSTMENT_ENTRY,
        after=was_adjusted,
    ),
    case("UPDATE adjustments SET status = 'posted'", REVERSED, after=was_adjusted),
    unadjusted("adjustment", ADJUSTMENT_ENTRY, ADJUSTED),
    unadjusted("reversal", ADJUSTMENT_ENTRY, REVERSED),
    above_the_limit("decided_by_id = NULL"),
    above_the_limit("decided_by_id = requested_by_id"),
    above_the_limit("decided_by_id = user_id"),
    above_the_limit("requested_by_id = NULL"),
]


def found() -> set[str]:
    return {breach.invariant for breach in breaches()}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.statements[:60])
def test_it_finds_what_is_wrong(alice: Person, bob: Person, charlie: Person, case: Wrong) -> None:
    case.story(alice, bob, charlie)
    before = found()

    wrong((case.statements,))

    assert (before, found()) == (set(), case.broken)


@pytest.mark.parametrize("kind", ["purchase", "referrer_bonus", "referee_bonus", "refund"])
def test_it_finds_a_record_that_points_at_a_reversed_entry(
    alice: Person, bob: Person, charlie: Person, kind: str
) -> None:
    bought(alice, bob, charlie)
    deliver(refund(Payment.objects.get(amount=200), 100))
    before = found()

    for entry in LedgerEntry.objects.filter(kind=kind):
        ledger.reverse(entry, description="A mistake", now=timezone.now())

    assert before == set()
    assert POINTER in found()


def test_it_says_what_is_wrong_with_which_row(charlie: Person) -> None:
    wrong((raise_balance("charlie"),))

    (breach,) = breaches()
    assert breach.subject == f"user {charlie.user.pk}"
    assert breach.detail == "credits 5.00, entries 0"


def test_it_finds_nothing_when_all_is_well(alice: Person, bob: Person, charlie: Person) -> None:
    bought(alice, bob, charlie)
    refer(alice, 2)

    assert breaches() == []


def test_every_invariant_is_broken_by_a_case_above_or_in_test_claims() -> None:
    assert {POINTER, CLAIM}.union(*(case.broken for case in CASES)) == set(INVARIANTS)
