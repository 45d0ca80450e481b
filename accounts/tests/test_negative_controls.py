"""The guards of a balance are switched off in turn, to see the books fall apart without them."""

from threading import Event

import pytest
from django.db import IntegrityError, transaction

from accounts.models import LedgerEntry
from accounts.tests.factories import Person
from accounts.tests.test_ledger import post
from payments.reports.invariants import breaches
from payments.tests.at_once import PATIENCE_SECONDS, at_once, wait_until_blocked
from payments.tests.guards import change_sql, without_constraint

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.negative_control]


def post_two_over_each_other(person: Person) -> None:
    """Post a second entry while the first one is not committed yet."""
    has_posted = Event()

    def first() -> None:
        with transaction.atomic():
            post(person, "10.00", idempotency_key="first")
            has_posted.set()
            wait_until_blocked()

    def second() -> None:
        assert has_posted.wait(PATIENCE_SECONDS)
        with transaction.atomic():
            post(person, "10.00", idempotency_key="second")

    at_once(first, second)


class TestBalanceGuard:
    """The balance is read under the row's lock; entries are numbered; triggers hold both."""

    @pytest.fixture
    def without_lock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        change_sql(monkeypatch, ("ORDER BY id FOR NO KEY UPDATE", ""))

    @pytest.mark.usefixtures("without_lock")
    def test_without_the_lock_the_database_refuses_what_would_be_lost(self, alice: Person) -> None:
        """Both read a balance of nothing; only one entry can be the account's first."""
        with pytest.raises(IntegrityError, match="ledger_entries_in_a_row"):
            post_two_over_each_other(alice)

        assert (alice.balance(), LedgerEntry.objects.count()) == ("10.00", 1)
        assert breaches() == []

    @pytest.mark.usefixtures("without_lock")
    def test_without_the_lock_and_the_numbers_the_balance_is_refused(self, alice: Person) -> None:
        """Off besides: the unique number. At commit the balance is not what the last entry says."""
        with without_constraint("ledger_entries_in_a_row", table="ledger_entries"):
            with pytest.raises(IntegrityError, match="the ledger says"):
                post_two_over_each_other(alice)

            assert breaches() == []
