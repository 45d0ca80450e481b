"""What is over is deleted once it is old enough, and money is never touched."""

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from axes.models import AccessAttempt
from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts import api_keys
from accounts.models import ApiKey, LedgerEntry
from accounts.tests.factories import Person, operator
from payments import retention, tasks
from payments.models import Clawback, DailyTotals, Payment, StripeEvent
from payments.reports import daily
from payments.tests.at_once import another_transaction, execute
from payments.tests.factories import StripeEventFactory
from payments.tests.stripe_events import (
    deliver,
    dispute,
    envelope,
    event,
    failed_event,
    pending_payment,
    refund,
    session,
    settle,
)
from referrals import invite_views
from referrals.models import Referral

DAYS = {
    "sessions": 1,
    "log_in_attempts": 30,
    "revoked_keys": 365,
    "unpaid_payments": 90,
    "events": 180,
    "invite_views": 30,
    "failed_jobs": 90,
}
# Later than every retention, and when nothing is old enough.
LATE, EARLY = timedelta(days=400), timedelta(hours=1)


@pytest.fixture(autouse=True)
def defaults(settings: Any) -> None:
    settings.RETENTION = {kind: timedelta(days=days) for kind, days in DAYS.items()}


def purge(after: timedelta = LATE) -> dict[str, int]:
    """Purge after so much time, and return how many rows of each kind are gone."""
    now = timezone.now() + after
    return {kind: rows for kind, rows in retention.purge(now=now).items() if rows}


def expired(person: Person) -> Payment:
    """Return a purchase that was not paid in time, as Stripe's event says."""
    payment = pending_payment(person.user)
    gone = session(payment, status="expired", payment_status="unpaid")
    deliver(envelope("checkout.session.expired", gone))
    payment.refresh_from_db()
    assert payment.status == "expired"
    return payment


def bodies() -> list[int]:
    return [len(bytes(body)) for body in StripeEvent.objects.values_list("body", flat=True)]


def make_one_of_each(bob: Person) -> None:
    """Make one row of each kind that is over."""
    now = timezone.now()
    Session.objects.create(session_key="over", session_data="", expire_date=now)
    AccessAttempt.objects.create(username="mallory", failures_since_start=3)
    api_keys.revoke(ApiKey.objects.filter(user=bob.user).get(), now=now)
    expired(bob)
    settle(bob.user)
    deliver(envelope("charge.captured", {}))
    invite_views.find_and_count(bob.code, now=now)
    daily.close_days(now=now + 2 * daily.DAY)
    tasks.check_cards.configure().defer(timestamp=0)
    for status in ("doing", "failed"):
        execute("UPDATE procrastinate_jobs SET status = %s WHERE status <> 'failed'", status)


def test_each_kind_goes_when_it_is_older_than_its_own_days_unless_it_is_kept_for_ever(
    alice: Person, bob: Person, settings: Any
) -> None:
    make_one_of_each(bob)
    limits, settings.RETENTION = settings.RETENTION, dict.fromkeys(DAYS)
    assert purge() == {}
    settings.RETENTION = limits

    gone: dict[str, int] = purge(EARLY)
    for days in sorted(set(DAYS.values())):
        last_day = timedelta(days=days) - EARLY
        gone |= purge(last_day)
        kept = {kind for kind in DAYS if DAYS[kind] >= days}
        assert not kept & gone.keys()
        # Invite views are counted by day, and not by hour.
        gone |= purge(last_day + 2 * EARLY + daily.DAY)

    assert gone == dict.fromkeys(DAYS, 1) | {"events": 2}
    assert purge() == {}


def test_money_and_what_is_not_over_stay(alice: Person, bob: Person) -> None:
    purchase = settle(bob.user)
    deliver(refund(purchase, 100))
    deliver(dispute(settle(alice.user), 1000))
    later = timezone.now() + 2 * LATE
    Session.objects.create(session_key="open", session_data="", expire_date=later)
    api_keys.revoke(ApiKey.objects.get(user=bob.user), now=later)
    pending_payment(bob.user)
    invite_views.find_and_count(bob.code, now=timezone.now())  # on a day that is not closed
    kept = [LedgerEntry, Referral, Payment, Clawback, ApiKey]
    before = [list(model._default_manager.order_by("pk").values()) for model in kept]

    assert purge() == {"events": 4}

    assert [list(model._default_manager.order_by("pk").values()) for model in kept] == before
    assert StripeEvent.objects.count() == 4


def test_an_unpaid_purchase_goes_with_the_events_that_say_so_unless_more_refers_to_it(
    bob: Person,
) -> None:
    refunded, named, odd, _ = (expired(bob) for _ in range(4))
    for payment in (refunded, named):
        deliver(refund(payment, 100, "pending"))
    Clawback.objects.filter(stripe_id=f"re_1_{refunded.pk}").update(payment=refunded)
    intents = Payment.objects.filter(pk=named.pk)
    intents.update(payment_intent_id=f"pi_{named.session_id}")
    deliver(event(odd, amount_total=7))

    purge()

    assert set(Payment.objects.all()) == {refunded, named, odd}
    assert StripeEvent.objects.filter(outcome="closed").count() == 3
    assert StripeEvent.objects.get(outcome="quarantined").body
    intents.update(payment_intent_id=None)  # an unpaid purchase has none


@pytest.mark.parametrize("is_failed", [True, False])
def test_no_unpaid_purchase_goes_while_an_event_is_unprocessed(
    bob: Person, is_failed: bool
) -> None:
    """The event may say that the purchase was paid after all."""
    payment = expired(bob)
    if is_failed:
        failed_event(payment)
    else:
        StripeEventFactory.create()

    assert "unpaid_payments" not in purge()


@pytest.mark.django_db(transaction=True)
def test_an_unpaid_purchase_that_is_just_being_paid_stays(bob: Person) -> None:
    payment = expired(bob)
    paying = "UPDATE payments SET completed_at = now() WHERE id = %s"

    with another_transaction(paying, payment.pk):
        while_paying = purge()
    deliver(event(payment))

    assert "unpaid_payments" not in while_paying | purge()
    assert bob.balance() == "20.00"


def test_the_events_of_a_purchase_keep_their_outcome_and_have_a_page(bob: Person) -> None:
    paid = event(pending_payment(bob.user))
    deliver(paid)
    body = bodies()

    purge()
    redelivered = deliver(paid)

    stored = StripeEvent.objects.get()
    assert body != bodies() == [0]
    assert (stored.outcome, redelivered.json()["outcome"]) == ("settled", "settled")
    assert bob.balance() == "20.00"
    client, inbox = operator(), "/admin/payments/stripeevent/"
    assert client.get(inbox).status_code == 200
    for outcome in ("settled", "quarantined"):
        StripeEvent.objects.update(outcome=outcome, payment=None)
        page = client.get(f"{inbox}{stored.pk}/change/").content.decode()
        assert "Removed, because" in page


def test_unfinished_events_keep_their_bodies(bob: Person) -> None:
    failed_event(pending_payment(bob.user))
    deliver(event(pending_payment(bob.user), amount_total=1))
    deliver(refund(pending_payment(bob.user), 100))
    waiting = event(pending_payment(bob.user), payment_status="unpaid")
    deliver(waiting)
    outcomes = set(StripeEvent.objects.values_list("outcome", flat=True))

    purge()

    assert outcomes == {"failed", "quarantined", "deferred", "waiting"}
    assert all(bodies())


def test_an_event_that_was_finished_late_loses_its_body_too(bob: Person) -> None:
    late = failed_event(pending_payment(bob.user))
    settle(bob.user)
    purge()
    with time_machine.travel(timezone.now() + LATE):
        deliver(json.loads(bytes(late.body)))

    purge(2 * LATE)

    assert bodies() == [0, 0]


def test_a_day_that_is_counted_again_keeps_its_views(bob: Person) -> None:
    now = timezone.now()
    late = pending_payment(bob.user)
    invite_views.find_and_count(bob.code, now=now)
    daily.close_days(now=now + 2 * daily.DAY)
    purge()
    with time_machine.travel(now + LATE):
        deliver(event(late) | {"created": int(now.timestamp())})
        daily.close_days(now=now + LATE + 2 * daily.DAY)

    day = DailyTotals.objects.get(day=now.date())
    assert (day.invite_views, day.first_purchases) == (1, 1)


def test_a_batch_is_bounded_and_nothing_is_left(
    bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH_SIZE", 2)
    for _ in range(5):
        expired(bob)
        settle(bob.user, 100)
        deliver(envelope("charge.captured", {}))

    purged = purge()

    assert purged == {"unpaid_payments": 5, "events": 10}
    assert bodies() == [0] * 5
