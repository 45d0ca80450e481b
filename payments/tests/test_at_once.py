"""Simultaneous events settle once, to the cent, and every delivery gets an answer."""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from accounts import advisory_locks, transactions
from accounts.models import User
from accounts.registration import create_account
from accounts.tests.factories import Person, register
from payments import inbox
from payments.models import Payment, StripeEvent
from payments.outcomes import HandlerResult
from payments.tests.at_once import (
    LOCK_USER,
    another_transaction,
    at_once,
    in_background,
    refusing,
    wait_until_blocked,
)
from payments.tests.stripe_events import deliver, event, pending_payment, refund
from referrals.models import Referral

pytestmark = pytest.mark.django_db(transaction=True)

LOCK_PAYMENT = "SELECT FROM payments WHERE id = %s FOR UPDATE"


def until_served(call: Callable[[], Any]) -> Any:
    """Send a request, and repeat it after a 503 with `Retry-After`, as Stripe does."""
    for _ in range(20):
        response = call()
        if response.status_code != 503:
            break
        assert "Retry-After" in response.headers
    return response


DeliverAll = Callable[..., Counter[str]]


def outcomes_of(
    deliver: Callable[[Mapping[str, Any]], Any], *events: Mapping[str, Any]
) -> Counter[str]:
    """Deliver all events simultaneously and count their outcomes."""
    deliveries = (partial(deliver, one) for one in events)
    responses = at_once(*(partial(until_served, delivery) for delivery in deliveries))
    assert {response.status_code for response in responses} == {200}
    return Counter(response.json()["outcome"] for response in responses)


deliver_at_once = partial(outcomes_of, deliver)


class Races:
    """The same races in threads here, and in processes in test_races_over_http."""

    def test_one_event_sent_sixty_times_credits_once(
        self, deliver_all: DeliverAll, alice: Person, bob: Person
    ) -> None:
        paid = event(pending_payment(bob.user, 1000))

        outcomes = deliver_all(*[paid] * 60)

        kept = StripeEvent.objects.get()
        assert outcomes == {"settled": 60}
        assert (alice.balance(), bob.balance()) == ("10.00", "20.00")
        assert (kept.attempts, kept.last_error) == (1, "")

    def test_thirty_events_of_one_session_credit_once(
        self, deliver_all: DeliverAll, alice: Person, bob: Person
    ) -> None:
        payment = pending_payment(bob.user, 1000)

        outcomes = deliver_all(*(event(payment) for _ in range(30)))

        assert outcomes == {"settled": 1, "repeated": 29}
        assert (alice.balance(), bob.balance()) == ("10.00", "20.00")

    def test_eight_first_purchases_earn_one_pair_of_bonuses(
        self, deliver_all: DeliverAll, alice: Person, bob: Person
    ) -> None:
        payments = [pending_payment(bob.user, 1000) for _ in range(8)]

        outcomes = deliver_all(*map(event, payments))

        assert outcomes == {"settled": 8}
        assert (alice.balance(), bob.balance()) == ("10.00", "90.00")
        assert Payment.objects.filter(bonus_decision="awarded").count() == 1

    def test_forty_referees_of_one_code_use_it_ten_times(
        self, deliver_all: DeliverAll, alice: Person
    ) -> None:
        friends = [register(f"friend{n}", code=alice.code) for n in range(40)]

        outcomes = deliver_all(*(event(pending_payment(friend.user)) for friend in friends))

        assert outcomes == {"settled": 40}
        assert alice.balance() == "100.00"
        assert Counter(friend.balance() for friend in friends) == {"10.00": 30, "20.00": 10}
        uses = Referral.objects.values_list("use_number", flat=True)
        assert sorted(uses) == list(range(1, 11))

    def test_alice_buys_while_her_referral_pays_her(
        self, deliver_all: DeliverAll, alice: Person
    ) -> None:
        friends = [register(f"friend{n}", code=alice.code) for n in range(10)]
        buyers = [buyer for friend in friends for buyer in (alice, friend)]

        outcomes = deliver_all(*(event(pending_payment(buyer.user, 1234)) for buyer in buyers))

        assert outcomes == {"settled": 20}
        assert alice.balance() == "223.40"
        assert {friend.balance() for friend in friends} == {"22.34"}


class TestRaces(Races):
    @pytest.fixture
    def deliver_all(self) -> DeliverAll:
        return deliver_at_once


@pytest.fixture
def mutual_friends() -> list[User]:
    """Each was referred by the other: their purchases lock the same accounts."""
    codes = ("FRIEND11", "FRIEND22")
    return [
        create_account(
            username=f"user_of_{own}",
            email=f"{own}@example.com",
            auth_method="email",
            referral_code=own,
            referred_by_code=others,
            address="",
            now=timezone.now(),
        )[0]
        for own, others in (codes, reversed(codes))
    ]


def test_crossing_purchases_never_deadlock(
    mutual_friends: list[User], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No retry hides a deadlock here."""
    monkeypatch.setattr(transactions, "RETRIES", 0)
    payments = [pending_payment(user) for _ in range(10) for user in mutual_friends]

    outcomes = deliver_at_once(*map(event, payments))

    assert outcomes == {"settled": 20}
    assert [str(user.credits) for user in User.objects.order_by("id")] == ["120.00", "120.00"]


@pytest.mark.parametrize("is_refund", [False, True])
@pytest.mark.parametrize("buyer", [0, 1], ids=["elder", "younger"])
def test_both_accounts_are_locked_in_the_order_of_their_ids(
    mutual_friends: list[User], buyer: int, is_refund: bool
) -> None:
    elder, younger = (user.pk for user in mutual_friends)
    payment = pending_payment(mutual_friends[buyer])
    arriving = event(payment)
    if is_refund:
        deliver(arriving)
        arriving = refund(payment, 1000)

    with (
        another_transaction(LOCK_USER, elder) as other,
        in_background(partial(deliver, arriving)) as delivery,
    ):
        wait_until_blocked()
        with another_transaction(f"{LOCK_USER} NOWAIT", younger):
            is_done = delivery.done()
        other.rollback()

    assert (is_done, delivery.result().status_code) == (False, 200)


def test_a_refund_waits_for_the_purchase_of_its_payment_intent(bob: Person) -> None:
    """Which may be settling, unseen by others."""
    payment = pending_payment(bob.user)

    with (
        another_transaction(advisory_locks.LOCK, f"pi_{payment.session_id}") as settling,
        in_background(partial(deliver, refund(payment, 1000))) as delivery,
    ):
        wait_until_blocked()
        settling.rollback()

    assert delivery.result().json()["outcome"] == "deferred"


def test_a_deadlock_is_retried_and_settles_once(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = count_attempts(monkeypatch)
    friends: list[Person] = []

    # PostgreSQL breaks off whoever has waited for a second. That is the settlement, which holds the
    # payment and waits for Alice, unless the other came a second after it: then once more.
    while len(attempts) == len(friends) < 5:
        friends.append(register(f"friend{len(friends)}", code=alice.code))
        payment = pending_payment(friends[-1].user, 1000)
        with (
            another_transaction(LOCK_USER, alice.user.pk) as other,
            in_background(partial(deliver, event(payment))) as delivery,
        ):
            wait_until_blocked()
            with suppress(OperationalError):
                other.cursor().execute(LOCK_PAYMENT, [payment.pk])
            other.rollback()
        assert delivery.result().json()["outcome"] == "settled"

    assert len(attempts) > len(friends)
    assert {stored.last_error for stored in StripeEvent.objects.all()} == {""}
    assert [friend.balance() for friend in friends] == ["20.00"] * len(friends)
    assert alice.balance() == f"{len(friends)}0.00"


@pytest.mark.parametrize(
    ("sqlstate", "times", "attempts", "status"),
    [("40P01", 3, 4, 200), ("40001", 3, 4, 200), ("40P01", 4, 4, 503), ("55P03", 1, 1, 503)],
    ids=["deadlock", "serialization", "a fourth retry", "a lock that is held too long"],
)
def test_a_conflict_is_retried_three_times_and_a_lock_not_waited_for_again(
    alice: Person,
    bob: Person,
    sqlstate: str,
    times: int,
    attempts: int,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paid = event(pending_payment(bob.user, 1000))
    made = count_attempts(monkeypatch)

    with refusing("referrals", sqlstate=sqlstate, times=times):
        response = deliver(paid)
    counted, kept = len(made), StripeEvent.objects.get().outcome
    redelivered = deliver(paid)

    assert (response.status_code, counted) == (status, attempts)
    if status == 503:
        assert (response.json()["code"], response["Retry-After"]) == ("database_unavailable", "5")
    assert kept == ("settled" if status == 200 else "failed")
    assert redelivered.json()["outcome"] == "settled"
    assert (alice.balance(), bob.balance()) == ("10.00", "20.00")


def count_attempts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that gets an item for every attempt to settle."""
    attempts: list[str] = []
    handler = inbox.HANDLERS["checkout.session.completed"]

    def counted(*args: Any, **kwargs: Any) -> HandlerResult:
        attempts.append("complete")
        return handler.handle(*args, **kwargs)

    counting = handler._replace(handle=counted)
    monkeypatch.setitem(inbox.HANDLERS, "checkout.session.completed", counting)
    return attempts
