"""Whatever goes past `accounts.ledger`, the database refuses."""

from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from accounts import ledger
from accounts.models import LedgerEntry, User
from accounts.tests.factories import Person, UserFactory, vouch_for
from accounts.tests.test_ledger import NOW, gift, post, take_back


def run(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def commit_would_check() -> None:
    """Run now what the database checks at commit."""
    run("SET CONSTRAINTS ALL IMMEDIATE", "SET CONSTRAINTS ALL DEFERRED")


def test_the_database_refuses_a_second_reversal_of_an_entry(alice: Person) -> None:
    entry = post(alice, "10.00")
    take_back(entry)
    again = replace(gift(alice, "-10.00"), kind=LedgerEntry.Kind.REVERSAL, reverses_id=entry.pk)

    with pytest.raises(IntegrityError, match="reverses"), transaction.atomic():
        ledger.post_all(again, now=NOW)

    assert alice.balance() == "0.00"


@pytest.mark.parametrize("amount", ["-9.99", "-10.01", "10.00", "-50000.00"])
def test_the_database_refuses_a_reversal_of_another_amount(alice: Person, amount: str) -> None:
    entry = post(alice, "10.00")
    wrong = replace(gift(alice, amount), kind=LedgerEntry.Kind.REVERSAL, reverses_id=entry.pk)

    with pytest.raises(IntegrityError, match="does not undo"), transaction.atomic():
        ledger.post_all(wrong, now=NOW)


def test_the_database_refuses_a_reversal_on_another_account(alice: Person, charlie: Person) -> None:
    entry = post(alice, "10.00")
    wrong = replace(gift(charlie, "-10.00"), kind=LedgerEntry.Kind.REVERSAL, reverses_id=entry.pk)

    with pytest.raises(IntegrityError, match="does not undo"), transaction.atomic():
        ledger.post_all(wrong, now=NOW)


def test_the_database_refuses_the_reversal_of_a_reversal(alice: Person) -> None:
    reversal = take_back(post(alice, "10.00"))

    with pytest.raises(IntegrityError, match="does not undo"), transaction.atomic():
        ledger.reverse(reversal, description="Once more", now=NOW)


def test_the_database_counts_the_entries_of_each_account(alice: Person, charlie: Person) -> None:
    entries = [post(alice, "1.00"), post(charlie, "2.00"), post(alice, "3.00")]
    forged = LedgerEntry.objects.create(
        user=alice.user,
        kind=LedgerEntry.Kind.ADJUSTMENT,
        amount=Decimal("5.00"),
        balance_after=Decimal("9.00"),
        number=77,
        idempotency_key="forged",
        created_at=NOW,
    )

    vouch_for(forged).refresh_from_db()
    assert [entry.number for entry in [*entries, forged]] == [1, 1, 2, 3]
    User.objects.filter(pk=alice.user.pk).update(credits=9)


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

    with pytest.raises(IntegrityError), transaction.atomic():
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
    mallory = UserFactory.create(credits=100)

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
    commit_would_check()
    forged = LedgerEntry.objects.create(
        user=alice.user,
        kind=LedgerEntry.Kind.ADJUSTMENT,
        amount=Decimal("5.00"),
        balance_after=Decimal("5.00"),
        idempotency_key="forged",
        created_at=NOW,
    )
    vouch_for(forged)

    with pytest.raises(IntegrityError, match="the ledger says"), transaction.atomic():
        commit_would_check()

    User.objects.filter(pk=alice.user.pk).update(credits=5)
