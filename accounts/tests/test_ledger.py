"""A balance moves by a posted entry alone, once per key, and the database sees to it."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from accounts import ledger
from accounts.models import LedgerEntry, User
from accounts.tests.factories import Person

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def post(person: Person, amount: str, **changes: Any) -> LedgerEntry:
    """Post an adjustment, named by its amount unless `changes` name it."""
    asked: dict[str, Any] = {
        "user_id": person.user.pk,
        "kind": LedgerEntry.Kind.ADJUSTMENT,
        "amount": Decimal(amount),
        "idempotency_key": f"adjustment:{amount}",
        "description": "A gift",
        "now": NOW,
    }
    return ledger.post(**asked | changes)


def take_back(entry: LedgerEntry, key: str = "mistake:1") -> LedgerEntry:
    return ledger.reverse(entry, idempotency_key=key, description="A mistake", now=NOW)


def run(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def commit_would_check() -> None:
    """Run now what the database checks at commit."""
    run("SET CONSTRAINTS ALL IMMEDIATE", "SET CONSTRAINTS ALL DEFERRED")


def test_it_moves_the_balance_by_the_amount(alice: Person) -> None:
    post(alice, "12.34")

    assert alice.balance() == "12.34"


def test_it_keeps_the_balance_after_each_entry(alice: Person) -> None:
    entries = [post(alice, amount) for amount in ("10.00", "-2.50", "0.01")]

    assert [str(entry.balance_after) for entry in entries] == ["10.00", "7.50", "7.51"]
    assert alice.balance() == "7.51"


def test_it_lets_a_balance_fall_below_zero(alice: Person) -> None:
    post(alice, "-3.00")

    assert alice.balance() == "-3.00"


def test_it_leaves_the_balances_of_others_alone(alice: Person, charlie: Person) -> None:
    post(charlie, "5.00")

    assert (alice.balance(), charlie.balance()) == ("0.00", "5.00")


@pytest.mark.parametrize("amount", ["0", "-0.00", "NaN", "sNaN", "Infinity", "-Infinity", "1.001"])
def test_it_refuses_what_is_no_sum_of_whole_cents(alice: Person, amount: str) -> None:
    with pytest.raises(ledger.InvalidAmountError):
        post(alice, amount)

    assert not LedgerEntry.objects.exists()


def test_it_posts_once_for_one_key(alice: Person) -> None:
    first, second = post(alice, "10.00"), post(alice, "10.00")

    assert first == second
    assert alice.balance() == "10.00"


def test_it_refuses_a_key_that_names_another_amount(alice: Person) -> None:
    post(alice, "10.00", idempotency_key="gift:1")

    with pytest.raises(ledger.IdempotencyConflictError, match="gift:1"):
        post(alice, "20.00", idempotency_key="gift:1")

    assert alice.balance() == "10.00"


def test_it_refuses_a_key_that_names_another_user(alice: Person, charlie: Person) -> None:
    post(alice, "10.00")

    with pytest.raises(ledger.IdempotencyConflictError):
        post(charlie, "10.00")

    assert charlie.balance() == "0.00"


def test_it_refuses_a_user_who_does_not_exist(alice: Person) -> None:
    with pytest.raises(ledger.UnknownAccountError):
        post(alice, "10.00", user_id=0)


def test_a_reversal_posts_the_opposite_and_names_its_original(alice: Person) -> None:
    entry = post(alice, "10.00")

    reversal = take_back(entry)

    assert (reversal.amount, reversal.reverses) == (Decimal("-10.00"), entry)
    assert alice.balance() == "0.00"


def test_a_reversal_for_one_cause_happens_once(alice: Person) -> None:
    entry = post(alice, "10.00")

    assert take_back(entry) == take_back(entry)
    assert alice.balance() == "0.00"


def test_an_entry_is_not_reversed_for_a_second_cause(alice: Person) -> None:
    entry = post(alice, "10.00")
    take_back(entry)

    with pytest.raises(IntegrityError, match="reverses"), transaction.atomic():
        take_back(entry, "mistake:2")

    assert alice.balance() == "0.00"


@pytest.mark.parametrize("kind", ["purchase", "referrer_bonus", "referee_bonus"])
def test_the_database_refuses_a_credit_that_takes_away(alice: Person, kind: str) -> None:
    with (
        pytest.raises(IntegrityError, match="ledger_credits_are_positive"),
        transaction.atomic(),
    ):
        post(alice, "-1.00", kind=LedgerEntry.Kind(kind))


def test_the_database_refuses_a_reversal_of_nothing(alice: Person) -> None:
    with (
        pytest.raises(IntegrityError, match="ledger_reversal_names_its_original"),
        transaction.atomic(),
    ):
        post(alice, "-1.00", kind=LedgerEntry.Kind.REVERSAL)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entries SET amount = 99",
        "UPDATE ledger_entries SET description = 'Nothing to see here'",
        "DELETE FROM ledger_entries",
        "TRUNCATE ledger_entries CASCADE",
    ],
)
def test_the_database_refuses_to_change_an_entry(alice: Person, statement: str) -> None:
    post(alice, "10.00")
    commit_would_check()
    # The tests' own emptying of the tables needs it off; nothing else does.
    run("ALTER TABLE ledger_entries ENABLE TRIGGER ledger_entries_not_truncated")

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        run(statement)

    assert [str(entry.amount) for entry in LedgerEntry.objects.all()] == ["10.00"]


def test_an_entry_cannot_be_saved_again(alice: Person) -> None:
    entry = post(alice, "10.00")

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        entry.save()


def test_an_entry_cannot_be_deleted(alice: Person) -> None:
    entry = post(alice, "10.00")

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        entry.delete()


def test_a_user_with_entries_cannot_be_deleted(alice: Person) -> None:
    post(alice, "10.00")

    with pytest.raises(IntegrityError), transaction.atomic():
        alice.user.delete()


@pytest.mark.django_db(transaction=True)
def test_a_balance_written_past_the_ledger_is_refused_at_commit(alice: Person) -> None:
    with pytest.raises(IntegrityError, match="the ledger says"), transaction.atomic():
        User.objects.filter(pk=alice.user.pk).update(credits=1_000_000)

    assert alice.balance() == "0.00"


def test_a_user_who_begins_with_credits_is_refused(db: None) -> None:
    mallory = User.objects.create(username="mallory", email="mallory@example.com", credits=100)

    with pytest.raises(IntegrityError, match="the ledger says"), transaction.atomic():
        commit_would_check()

    mallory.delete()


@pytest.mark.parametrize("balance_after", ["9.99", "10.01", "20.00", "0.00"])
def test_an_entry_that_does_not_go_on_from_the_balance_is_refused(
    alice: Person, balance_after: str
) -> None:
    post(alice, "5.00")

    with pytest.raises(IntegrityError, match="does not go on"), transaction.atomic():
        LedgerEntry.objects.create(
            user=alice.user,
            kind=LedgerEntry.Kind.ADJUSTMENT,
            amount=Decimal("5.00"),
            balance_after=Decimal(balance_after),
            idempotency_key="forged",
            created_at=NOW,
        )


def test_an_entry_that_the_balance_does_not_follow_is_refused(alice: Person) -> None:
    LedgerEntry.objects.create(
        user=alice.user,
        kind=LedgerEntry.Kind.ADJUSTMENT,
        amount=Decimal("5.00"),
        balance_after=Decimal("5.00"),
        idempotency_key="forged",
        created_at=NOW,
    )

    with pytest.raises(IntegrityError, match="the ledger says"), transaction.atomic():
        commit_would_check()

    User.objects.filter(pk=alice.user.pk).update(credits=5)


def test_accounts_are_locked_in_ascending_order(alice: Person, charlie: Person) -> None:
    with transaction.atomic():
        locked = ledger.lock_accounts(User.objects.order_by("-id"))

    assert list(locked) == sorted([alice.user.pk, charlie.user.pk])
