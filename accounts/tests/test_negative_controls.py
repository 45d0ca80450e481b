"""The guards of a balance are switched off in turn, to see the books fall apart without them."""

from datetime import UTC, datetime
from decimal import Decimal
from threading import Event

import pytest
from django.db import IntegrityError, transaction
from psycopg import errors

from accounts import ledger
from accounts.models import LedgerEntry
from accounts.tests.factories import Person, vouch_for
from payments.reports.invariants import breaches
from payments.tests.at_once import PATIENCE_SECONDS, at_once, execute, wait_until_blocked
from payments.tests.guards import without_constraint, without_trigger

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.negative_control]


@transaction.atomic
def adjust(person: Person, key: str) -> None:
    """Post ten dollars."""
    entry = ledger.post(
        user_id=person.user.pk,
        kind=LedgerEntry.Kind.ADJUSTMENT,
        amount=Decimal(10),
        idempotency_key=key,
        description="Goodwill",
        now=datetime(2026, 3, 16, tzinfo=UTC),
    )
    vouch_for(entry)


def post_two_over_each_other(person: Person) -> None:
    """Post a second entry while the first one is not committed yet."""
    has_posted = Event()

    def first() -> None:
        with transaction.atomic():
            adjust(person, "first")
            has_posted.set()
            wait_until_blocked()

    def second() -> None:
        assert has_posted.wait(PATIENCE_SECONDS)
        adjust(person, "second")

    at_once(first, second)


# What would put a balance beside its entries, and the trigger that refuses it.
PAST_THE_LEDGER = {
    "users_credits_follow_ledger": ("users", "UPDATE users SET credits = credits + 10"),
    "ledger_entries_append_only": (
        "ledger_entries",
        "UPDATE ledger_entries SET amount = amount + 10",
    ),
    "ledger_entries_chain": (
        "ledger_entries",
        "INSERT INTO ledger_entries (user_id, kind, amount, balance_after, number,"
        " idempotency_key, description, reference, created_at) SELECT user_id, 'purchase', amount,"
        " balance_after, number + 1, 'stale', '', '', created_at FROM ledger_entries",
    ),
}


class TestBalanceGuard:
    """The balance is read under the row's lock; entries are numbered; triggers hold both."""

    @pytest.fixture
    def without_lock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert ledger._POST.count(" FOR NO KEY UPDATE") == 1
        monkeypatch.setattr(ledger, "_POST", ledger._POST.replace(" FOR NO KEY UPDATE", ""))

    @pytest.mark.usefixtures("without_lock")
    def test_without_the_lock_the_database_refuses_what_would_be_lost(self, alice: Person) -> None:
        """Both read a balance of nothing; only one entry can be the account's first."""
        with pytest.raises(IntegrityError, match="ledger_entries_in_a_row"):
            post_two_over_each_other(alice)

        assert (alice.balance(), LedgerEntry.objects.count()) == ("10.00", 1)
        assert breaches() == []

    @pytest.mark.usefixtures("without_lock")
    def test_without_the_lock_and_the_numbers_an_update_is_lost(self, alice: Person) -> None:
        """Off besides: the unique number. No trigger sees it, `check_ledger` does."""
        with without_constraint("ledger_entries_in_a_row", table="ledger_entries"):
            post_two_over_each_other(alice)

            assert (alice.balance(), LedgerEntry.objects.count()) == ("10.00", 2)
            assert {one.invariant for one in breaches()} == {
                "a balance is the sum of its entries",
                "entries are chained without gaps",
            }

    @pytest.mark.parametrize("trigger", PAST_THE_LEDGER)
    def test_the_trigger_refuses_what_goes_past_the_ledger(
        self, alice: Person, trigger: str
    ) -> None:
        adjust(alice, "first")
        _, statement = PAST_THE_LEDGER[trigger]

        with pytest.raises(IntegrityError) as refusal:
            execute(statement)

        assert isinstance(refusal.value.__cause__, errors.Error)
        assert refusal.value.__cause__.diag.constraint_name == trigger
        assert breaches() == []

    @pytest.mark.parametrize("trigger", PAST_THE_LEDGER)
    def test_without_the_trigger_the_books_do_not_balance(
        self, alice: Person, trigger: str
    ) -> None:
        adjust(alice, "first")
        table, statement = PAST_THE_LEDGER[trigger]

        with without_trigger(table, trigger):
            execute(statement)

        assert "a balance is the sum of its entries" in {one.invariant for one in breaches()}
