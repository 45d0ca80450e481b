"""Accounts and balances under many hands: one account a name, and every cent of every entry."""

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial

import pytest
from django.db import IntegrityError, transaction
from rest_framework.test import APIClient

from accounts import ledger
from accounts.models import ApiKey, LedgerEntry, User
from accounts.tests.factories import Person, vouch_for
from payments.tests.at_once import at_once

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 3, 16, tzinfo=UTC)


@transaction.atomic
def adjust(person: Person, amount: str, key: str) -> LedgerEntry:
    entry = ledger.post(
        user_id=person.user.pk,
        kind=LedgerEntry.Kind.ADJUSTMENT,
        amount=Decimal(amount),
        idempotency_key=key,
        description="Goodwill",
        now=NOW,
    )
    return vouch_for(entry)


@transaction.atomic
def reverse(entry: LedgerEntry) -> LedgerEntry:
    [reversal] = ledger.reverse(entry, description="Mistake", now=NOW)
    return vouch_for(reversal)


def forge_reversal(entry: LedgerEntry, key: str) -> LedgerEntry | str:
    """Return a reversal with a key of its own, or the name of the refusal."""
    forged = ledger.Posting(
        user_id=entry.user_id,
        kind=LedgerEntry.Kind.REVERSAL,
        amount=-entry.amount,
        idempotency_key=key,
        description="Mistake",
        reverses_id=entry.pk,
    )
    try:
        with transaction.atomic():
            return vouch_for(ledger.post_all(forged, now=NOW)[0])
    except IntegrityError as refusal:
        return type(refusal.__cause__).__name__


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
    adjust(alice, "20.00", "first")
    amounts = ["0.01", "10.00", "-3.33", "7.77"] * 5

    at_once(*(partial(adjust, alice, amount, f"{n}") for n, amount in enumerate(amounts)))

    assert alice.balance() == str(20 + sum(map(Decimal, amounts)))
    assert LedgerEntry.objects.count() == 21


def test_one_cause_posted_at_once_is_one_entry(alice: Person) -> None:
    entries = at_once(*[partial(adjust, alice, "10.00", "goodwill")] * 10)

    assert len({entry.pk for entry in entries}) == 1
    assert alice.balance() == "10.00"


def test_pairs_posted_at_once_in_both_orders_add_up(alice: Person, charlie: Person) -> None:
    """Of accounts that are named in crossing orders none waits for the other for ever."""

    def give_both(first: Person, second: Person, n: int) -> None:
        postings = (
            ledger.Posting(
                user_id=person.user.pk,
                kind=LedgerEntry.Kind.ADJUSTMENT,
                amount=Decimal(1),
                idempotency_key=f"gift:{person.user.username}:{n}",
                description="A gift",
            )
            for person in (first, second)
        )
        with transaction.atomic():
            for entry in ledger.post_all(*postings, now=NOW):
                vouch_for(entry)

    pairs = [(alice, charlie), (charlie, alice)] * 6
    at_once(*(partial(give_both, *pair, n) for n, pair in enumerate(pairs)))

    assert (alice.balance(), charlie.balance()) == ("12.00", "12.00")


def test_one_reversal_at_once_is_one_entry(alice: Person) -> None:
    entry = adjust(alice, "10.00", "goodwill")

    reversals = at_once(*[partial(reverse, entry)] * 8)

    assert set(reversals) == {LedgerEntry.objects.get(reverses=entry)}
    assert alice.balance() == "0.00"


def test_two_causes_cannot_both_reverse_an_entry(alice: Person) -> None:
    entry = adjust(alice, "10.00", "goodwill")

    reversals = at_once(*(partial(forge_reversal, entry, f"mistake:{n}") for n in range(8)))

    assert Counter(reversals) == {LedgerEntry.objects.get(reverses=entry): 1, "UniqueViolation": 7}
    assert alice.balance() == "0.00"
