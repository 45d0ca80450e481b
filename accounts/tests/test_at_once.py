"""Calls at once create one account per name, and lose no entry of a balance."""

from collections import Counter
from decimal import Decimal
from functools import partial

import pytest
from django.db import IntegrityError, transaction
from rest_framework.test import APIClient

from accounts import ledger
from accounts.models import ApiKey, LedgerEntry, User
from accounts.tests.factories import Person, vouch_for
from accounts.tests.test_ledger import NOW, gift, post, post_all, take_back
from payments.tests.at_once import at_once

pytestmark = pytest.mark.django_db(transaction=True)

# A commit compares an entry with its adjustment, so both are written in one transaction.
adjust = transaction.atomic(post)
reverse = transaction.atomic(take_back)


def forge_reversal(entry: LedgerEntry, key: str) -> LedgerEntry | str:
    """Return a reversal with another key, or the name of the database error."""
    forged = ledger.Posting(
        user_id=entry.user_id,
        kind=LedgerEntry.Kind.REVERSAL,
        amount=-entry.amount,
        idempotency_key=key,
        description="A mistake",
        reverses_id=entry.pk,
    )
    try:
        with transaction.atomic():
            return vouch_for(ledger.post_all(forged, now=NOW)[0])
    except IntegrityError as error:
        return type(error.__cause__).__name__


@pytest.mark.parametrize(
    ("usernames", "emails"),
    [
        pytest.param(("alice", "ALICE"), ("{}@example.com",), id="username"),
        pytest.param(("alice{}",), ("alice@example.com", "Alice@Example.COM"), id="email"),
    ],
)
def test_one_name_registered_twenty_times_is_one_account(
    usernames: tuple[str, ...], emails: tuple[str, ...]
) -> None:
    def register(n: int) -> int:
        username = usernames[n % len(usernames)].format(n)
        email = emails[n % len(emails)].format(n)
        body = {"username": username, "email": email, "auth_method": "email"}
        return APIClient().post("/auth/register", body, format="json").status_code

    statuses = at_once(*(partial(register, n) for n in range(20)))

    assert Counter(statuses) == {201: 1, 409: 19}
    assert (User.objects.count(), ApiKey.objects.count()) == (1, 1)


def test_entries_posted_to_one_account_at_once_add_up(alice: Person) -> None:
    adjust(alice, "20.00")
    amounts = ["0.01", "10.00", "-3.33", "7.77"] * 5

    posts = (
        partial(adjust, alice, amount, idempotency_key=f"{n}") for n, amount in enumerate(amounts)
    )
    at_once(*posts)

    assert alice.balance() == str(20 + sum(map(Decimal, amounts)))
    assert LedgerEntry.objects.count() == 21


def test_one_cause_posted_at_once_is_one_entry(alice: Person) -> None:
    entries = at_once(*[partial(adjust, alice, "10.00")] * 10)

    assert len({entry.pk for entry in entries}) == 1
    assert alice.balance() == "10.00"


def test_pairs_posted_at_once_in_both_orders_add_up(alice: Person, charlie: Person) -> None:
    """The statement locks the accounts by id, whatever the order of the postings: no deadlock."""
    give_both = transaction.atomic(post_all)
    pairs = [(alice, charlie), (charlie, alice)] * 6

    at_once(
        *(
            partial(give_both, *(gift(person, "1.00", f"{n}") for person in pair))
            for n, pair in enumerate(pairs)
        )
    )

    assert (alice.balance(), charlie.balance()) == ("12.00", "12.00")


def test_one_reversal_at_once_is_one_entry(alice: Person) -> None:
    entry = adjust(alice, "10.00")

    reversals = at_once(*[partial(reverse, entry)] * 8)

    assert set(reversals) == {LedgerEntry.objects.get(reverses=entry)}
    assert alice.balance() == "0.00"


def test_two_causes_cannot_both_reverse_an_entry(alice: Person) -> None:
    entry = adjust(alice, "10.00")

    reversals = at_once(*(partial(forge_reversal, entry, f"mistake:{n}") for n in range(8)))

    assert Counter(reversals) == {LedgerEntry.objects.get(reverses=entry): 1, "UniqueViolation": 7}
    assert alice.balance() == "0.00"
