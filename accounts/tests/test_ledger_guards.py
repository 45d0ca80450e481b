"""The database refuses what bypasses `accounts.ledger`.

`payments: test_database_guards` has the controls of these guards. Here are the cases beside them.
"""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts import ledger
from accounts.models import LedgerEntry
from accounts.tests.factories import Person, UserFactory, vouch_for
from accounts.tests.test_ledger import NOW, gift, post
from payments.tests.at_once import execute


def commit_would_check() -> None:
    """Run the checks of a commit now."""
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    execute("SET CONSTRAINTS ALL DEFERRED")


@pytest.mark.parametrize(
    ("name", "amount"),
    [
        *(("alice", amount) for amount in ("-9.99", "-10.01", "10.00", "-50000.00")),
        ("charlie", "-10.00"),
    ],
)
def test_it_refuses_a_reversal_of_another_amount_or_account(
    alice: Person, charlie: Person, name: str, amount: str
) -> None:
    entry = post(alice, "10.00")
    posting = gift({"alice": alice, "charlie": charlie}[name], amount)
    reversal = replace(posting, kind=LedgerEntry.Kind.REVERSAL, reverses_id=entry.pk)

    with pytest.raises(IntegrityError, match="does not undo"), transaction.atomic():
        ledger.post_all(reversal, now=NOW)


def forge(person: Person, amount: str, balance_after: str, **fields: Any) -> LedgerEntry:
    """Insert an entry without `accounts.ledger`, which would change the balance as well."""
    return LedgerEntry.objects.create(
        user=person.user,
        kind=LedgerEntry.Kind.ADJUSTMENT,
        amount=Decimal(amount),
        balance_after=Decimal(balance_after),
        idempotency_key="forged",
        created_at=NOW,
        **fields,
    )


def test_it_numbers_the_entries_of_each_account(alice: Person, charlie: Person) -> None:
    entries = [post(alice, "1.00"), post(charlie, "2.00"), post(alice, "3.00")]
    forged = forge(alice, "5.00", "9.00", number=77)

    vouch_for(forged).refresh_from_db()
    assert [entry.number for entry in [*entries, forged]] == [1, 1, 2, 3]
    alice.change(credits=9)


@pytest.mark.parametrize("kind", ["purchase", "referrer_bonus", "referee_bonus"])
def test_it_refuses_a_negative_credit(alice: Person, kind: str) -> None:
    with (
        pytest.raises(IntegrityError, match="ledger_credits_are_positive"),
        transaction.atomic(),
    ):
        post(alice, "-1.00", kind=LedgerEntry.Kind(kind))


def test_it_refuses_to_save_an_entry_again_or_to_delete_it_or_its_user(
    alice: Person, owner: None
) -> None:
    entry = post(alice, "10.00")

    for change in (entry.save, entry.delete, alice.user.delete):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


@pytest.mark.django_db(transaction=True)
def test_it_refuses_a_balance_without_an_entry_at_commit(alice: Person) -> None:
    with pytest.raises(IntegrityError, match="the ledger says"), transaction.atomic():
        alice.change(credits=1_000_000)

    assert alice.balance() == "0.00"


def test_it_refuses_a_new_user_with_credits(db: None) -> None:
    mallory = UserFactory.create(credits=100)

    with pytest.raises(IntegrityError, match="the ledger says"), transaction.atomic():
        commit_would_check()

    mallory.delete()


@pytest.mark.parametrize("balance_after", ["9.99", "10.01", "20.00", "0.00"])
def test_it_refuses_an_entry_that_does_not_continue_from_the_balance(
    alice: Person, balance_after: str
) -> None:
    post(alice, "5.00")

    with pytest.raises(IntegrityError, match="does not go on"), transaction.atomic():
        forge(alice, "5.00", balance_after)
