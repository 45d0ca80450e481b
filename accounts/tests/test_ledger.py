"""A balance changes only by a posted entry, once per key."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from accounts import ledger
from accounts.ledger import Posting
from accounts.models import LedgerEntry, User
from accounts.tests.factories import Person, vouch_for

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def post(person: Person, amount: str, **changes: Any) -> LedgerEntry:
    """Post an adjustment; the idempotency key contains the amount unless `changes` has one."""
    fields: dict[str, Any] = {
        "user_id": person.user.pk,
        "kind": LedgerEntry.Kind.ADJUSTMENT,
        "amount": Decimal(amount),
        "idempotency_key": f"adjustment:{amount}",
        "description": "A gift",
        "now": NOW,
    }
    return vouch_for(ledger.post(**fields | changes))


def post_all(*postings: Posting) -> list[LedgerEntry]:
    return [vouch_for(entry) for entry in ledger.post_all(*postings, now=NOW)]


def gift(person: Person, amount: str, key: str = "gift") -> Posting:
    """Return a posting; the idempotency key contains the receiver."""
    return Posting(
        user_id=person.user.pk,
        kind=LedgerEntry.Kind.ADJUSTMENT,
        amount=Decimal(amount),
        idempotency_key=f"{key}:{person.user.username}",
        description="A gift",
    )


def take_back(entry: LedgerEntry) -> LedgerEntry:
    [reversal] = ledger.reverse(entry, description="A mistake", now=NOW)
    return vouch_for(reversal)


def test_it_moves_one_balance_and_keeps_it_after_each_entry(alice: Person, charlie: Person) -> None:
    entries = [post(alice, amount, posted_by=charlie.user) for amount in ("10.00", "-2.50", "0.01")]

    assert [str(entry.balance_after) for entry in entries] == ["10.00", "7.50", "7.51"]
    assert (alice.balance(), charlie.balance()) == ("7.51", "0.00")
    assert {entry.posted_by for entry in entries} == {charlie.user}


def test_it_lets_a_balance_fall_below_zero(alice: Person) -> None:
    with transaction.atomic():
        post(alice, "-3.00", kind=LedgerEntry.Kind.REFUND)

        assert alice.balance() == "-3.00"
        # The check after the test would find an entry without its refund.
        transaction.set_rollback(True)


def test_in_debt_is_whoever_has_less_than_nothing_now(alice: Person, charlie: Person) -> None:
    with transaction.atomic():
        post(alice, "-0.01", kind=LedgerEntry.Kind.REFUND)
        post(charlie, "-5.00", kind=LedgerEntry.Kind.REFUND)
        post(charlie, "5.00")

        assert list(ledger.in_debt()) == [alice.user]
        # There are no refunds that these belong to.
        transaction.set_rollback(True)


@pytest.mark.parametrize("amount", ["0", "-0.00", "NaN", "sNaN", "Infinity", "-Infinity", "1.001"])
def test_it_refuses_zero_and_parts_of_a_cent(alice: Person, amount: str) -> None:
    with pytest.raises(ledger.InvalidAmountError):
        post(alice, amount)

    assert not LedgerEntry.objects.exists()


def test_it_posts_once_for_one_key_and_refuses_it_for_anything_else(
    alice: Person, charlie: Person
) -> None:
    first = post(alice, "10.00", idempotency_key="gift:1")

    for person, amount in ((alice, "20.00"), (charlie, "10.00")):
        with pytest.raises(ledger.IdempotencyConflictError, match="gift:1"):
            post(person, amount, idempotency_key="gift:1")

    assert post(alice, "10.00", idempotency_key="gift:1") == first
    assert (alice.balance(), charlie.balance()) == ("10.00", "0.00")
    with pytest.raises(ledger.UnknownAccountError):
        post(alice, "10.00", user_id=0)


def test_a_reversal_posts_the_opposite_once_and_names_its_original(alice: Person) -> None:
    entry = post(alice, "10.00")

    reversal = take_back(entry)

    assert (reversal.amount, reversal.reverses) == (Decimal("-10.00"), entry)
    assert take_back(entry) == reversal
    assert alice.balance() == "0.00"


def test_several_accounts_are_posted_to_and_reversed_in_one_statement_each(
    alice: Person, charlie: Person, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        entries = ledger.post_all(gift(charlie, "5.00"), gift(alice, "7.00"), now=NOW)

    assert [vouch_for(entry).user_id for entry in entries] == [charlie.user.pk, alice.user.pk]
    assert (alice.balance(), charlie.balance()) == ("7.00", "5.00")
    with django_assert_num_queries(1):
        reversals = ledger.reverse(*entries, description="A mistake", now=NOW)
    assert [vouch_for(reversal).reverses for reversal in reversals] == entries
    assert (alice.balance(), charlie.balance()) == ("0.00", "0.00")


def test_it_posts_only_the_missing_one_of_several_entries(alice: Person, charlie: Person) -> None:
    [first] = post_all(gift(alice, "7.00"))

    entries = post_all(gift(charlie, "5.00"), gift(alice, "7.00"))

    assert entries[1] == first
    assert (alice.balance(), charlie.balance()) == ("7.00", "5.00")


def test_two_entries_of_one_account_are_posted_in_their_order(alice: Person) -> None:
    first, second = post_all(gift(alice, "5.00"), gift(alice, "7.00", "other"))

    assert (first.balance_after, second.balance_after) == (Decimal("5.00"), Decimal("12.00"))
    assert alice.balance() == "12.00"


def test_accounts_are_locked_in_ascending_order(alice: Person, charlie: Person) -> None:
    with transaction.atomic():
        locked = ledger.lock_accounts(User.objects.order_by("-id"))

    assert list(locked) == sorted([alice.user.pk, charlie.user.pk])
