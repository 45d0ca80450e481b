"""Each guard of a settlement is switched off in turn, to see what goes wrong without it."""

from collections import Counter
from functools import partial
from threading import Barrier
from typing import Any

import pytest

from accounts.tests.factories import Person, register
from payments import clawbacks, inbox, purchases, settlement
from payments.models import StripeEvent
from payments.tests.at_once import at_once
from payments.tests.guards import (
    change_sql,
    forget_causes,
    give_no_turns,
    meeting,
    overtaken,
    unlock_accounts,
    unlock_payment,
    without_constraint,
)
from payments.tests.stripe_events import deliver, event, pending_payment, refer, refund
from payments.tests.test_invariants import found
from referrals import bonuses, eligibility

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.negative_control]


def deliver_at_once(*events: dict[str, Any]) -> Counter[str | int]:
    """Deliver them at once; count the outcomes, and the statuses of what failed."""
    responses = at_once(*(partial(deliver, one) for one in events))
    return Counter(
        response.json()["outcome"] if response.status_code == 200 else response.status_code
        for response in responses
    )


class TestEventGuard:
    """An event that is processed is not stored again, so that what a second delivery did goes."""

    @pytest.fixture(autouse=True)
    def guard_is_off(self, monkeypatch: pytest.MonkeyPatch) -> None:
        change_sql(monkeypatch, ("WHERE known.processed_at IS NULL", ""))
        handler = inbox.HANDLERS["checkout.session.completed"]
        met = handler._replace(handle=meeting(handler.handle))
        monkeypatch.setitem(inbox.HANDLERS, "checkout.session.completed", met)

    def test_without_it_an_event_is_worked_on_twice(self, bob: Person) -> None:
        """The record forgets that it settled anything; the session's guard saves the money."""
        paid = event(pending_payment(bob.user))

        outcomes = deliver_at_once(paid, paid)

        assert outcomes == {"settled": 1, "repeated": 1}
        assert StripeEvent.objects.get().outcome == "repeated"
        assert bob.balance() == "20.00"

    def test_without_it_and_those_behind_it_an_event_credits_twice(
        self, bob: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Off besides: the locks of payment and people, the intent's turn, the ledger's keys."""
        unlock_payment(monkeypatch)
        unlock_accounts(monkeypatch)
        give_no_turns(monkeypatch)
        forget_causes(monkeypatch)
        monkeypatch.setattr(purchases, "lock", meeting(purchases.lock, after=True))
        paid = event(pending_payment(bob.user, 500))

        outcomes = deliver_at_once(paid, paid)

        assert outcomes == {"settled": 2}
        assert bob.balance() == "10.00"


class TestSessionGuard:
    """The payment is locked, and a paid one is not settled again."""

    @pytest.fixture(autouse=True)
    def guard_is_off(self, monkeypatch: pytest.MonkeyPatch) -> None:
        unlock_payment(monkeypatch)

    @pytest.fixture
    def there_are_no_turns(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Switch off besides what lets settlements of one intent, or of one buyer, come in turn."""
        give_no_turns(monkeypatch)
        unlock_accounts(monkeypatch)
        monkeypatch.setattr(purchases, "lock", meeting(purchases.lock, after=True))

    def test_without_it_a_turn_does_not_show_what_the_one_before_did(
        self, bob: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The second has read the payment before its turn; the ledger's key saves the money."""
        monkeypatch.setattr(purchases, "lock", overtaken(purchases.lock))
        payment = pending_payment(bob.user)

        outcomes = deliver_at_once(event(payment), event(payment))

        assert outcomes == {"settled": 1, 500: 1}
        assert bob.balance() == "20.00"

    @pytest.mark.usefixtures("there_are_no_turns")
    def test_without_it_and_turns_the_key_saves_the_money(self, bob: Person) -> None:
        """Two events settle one session at once."""
        payment = pending_payment(bob.user)

        outcomes = deliver_at_once(event(payment), event(payment))

        assert outcomes == {"settled": 1, 500: 1}
        assert bob.balance() == "20.00"

    @pytest.mark.usefixtures("there_are_no_turns")
    def test_without_it_and_the_key_a_session_credits_twice(
        self, bob: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Off besides: the ledger's keys. Bob has five dollars that nobody paid."""
        forget_causes(monkeypatch)
        payment = pending_payment(bob.user, 500)

        outcomes = deliver_at_once(event(payment), event(payment))

        assert outcomes == {"settled": 2}
        assert bob.balance() == "10.00"


class TestFirstPurchaseGuard:
    """The buyer is locked while the flag is read and set."""

    @pytest.fixture(autouse=True)
    def guard_is_off(self, monkeypatch: pytest.MonkeyPatch) -> None:
        unlock_accounts(monkeypatch)
        monkeypatch.setattr(bonuses, "award", meeting(bonuses.award))

    def test_without_it_a_second_first_purchase_fails(self, alice: Person, bob: Person) -> None:
        """Both believe to be the first; the database refuses the second referral of one person."""
        payments = [pending_payment(bob.user) for _ in range(2)]

        outcomes = deliver_at_once(*map(event, payments))

        assert outcomes == {"settled": 1, 500: 1}
        assert (alice.balance(), bob.balance()) == ("10.00", "20.00")

    def test_without_it_and_those_behind_it_the_bonus_is_paid_twice(
        self, alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Off besides: the ledger's keys, one referral a referee, and the unique use number."""
        forget_causes(monkeypatch)
        payments = [pending_payment(bob.user) for _ in range(2)]

        with (
            without_constraint("referrals_referred_user_id_key"),
            without_constraint("referrals_use_number_unique"),
        ):
            outcomes = deliver_at_once(*map(event, payments))

        assert outcomes == {"settled": 2}
        assert (alice.balance(), bob.balance()) == ("20.00", "40.00")


class TestCapGuard:
    """The referrer is locked while the uses are counted, and a use number is given once."""

    @pytest.fixture
    def last_two(self, alice: Person) -> list[dict[str, Any]]:
        """Nine uses are taken; two more friends have paid."""
        refer(alice, 9)
        last = [register(name, code=alice.code).user for name in ("bob", "dora")]
        return [event(pending_payment(user)) for user in last]

    def test_without_the_lock_two_count_the_same_uses(
        self, alice: Person, last_two: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Both take the tenth use number; its constraint refuses one of them, who comes again."""
        unlock_accounts(monkeypatch)
        with monkeypatch.context() as race:
            race.setattr(bonuses, "award", meeting(bonuses.award))
            outcomes = deliver_at_once(*last_two)

        redelivered = [deliver(one).json()["outcome"] for one in last_two]

        assert outcomes == {"settled": 1, 500: 1}
        assert redelivered == ["settled"] * 2
        assert alice.balance() == "100.00"

    def test_without_the_lock_and_the_slot_there_is_an_eleventh_bonus(
        self, alice: Person, last_two: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Off besides: the unique use number. Two uses are the tenth, and both are paid."""
        unlock_accounts(monkeypatch)
        monkeypatch.setattr(bonuses, "award", meeting(bonuses.award))

        with without_constraint("referrals_use_number_unique"):
            outcomes = deliver_at_once(*last_two)

        assert outcomes == {"settled": 2}
        assert alice.balance() == "110.00"

    def test_without_counting_the_database_refuses_an_eleventh_use(
        self, alice: Person, last_two: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nobody asks whether uses are left; the use number is still held against the cap."""
        monkeypatch.setattr(eligibility, "decide", lambda inputs: eligibility.Decision.AWARDED)

        statuses = [deliver(one).status_code for one in last_two]

        assert statuses == [200, 500]
        assert alice.balance() == "100.00"


def test_without_turns_a_refund_and_its_purchase_miss_each_other(
    alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each looks for the other before either is committed; the ledger check alone finds it."""
    give_no_turns(monkeypatch)
    barrier = Barrier(2)
    for module, name in ((clawbacks, "_lock_payment"), (settlement, "_write")):
        looked = meeting(getattr(module, name), after=True, barrier=barrier)
        monkeypatch.setattr(module, name, looked)
    payment = pending_payment(bob.user)

    outcomes = deliver_at_once(event(payment), refund(payment, 1000))

    assert outcomes == {"settled": 1, "deferred": 1}
    assert (alice.balance(), bob.balance()) == ("10.00", "20.00")
    assert found() == {"a refund or dispute of a settled purchase is applied"}
