"""A checkout saves the purchase first, and creates one session, also for repeated requests."""

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection

from accounts.tests.factories import Person
from accounts.tests.roles import as_owner
from payments import checkout
from payments.models import Payment
from payments.sandbox.models import CheckoutSession
from payments.stripe_objects import MARK
from payments.tests.at_once import at_once
from payments.tests.fake_stripe import (
    stripe_answers,
    stripe_is_down,
    stripe_is_silent,
    stripe_trickles,
)
from payments.tests.stripe_events import deliver, event, lose_answer, pending_payment

PATH = "/api/stripe/checkout-session"
IN_USE = {"error": {"type": "idempotency_error", "code": "idempotency_key_in_use"}}
REFUSAL = {"error": {"type": "invalid_request_error", "message": "Amount is too small."}}
OTHER_DETAILS = {"error": {"type": "idempotency_error", "message": "Keys are for one request."}}
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def ask(person: Person, key: str | None = None, **changes: Any) -> Any:
    # Written by hand: what a client can send is more than the test client's own JSON would say.
    body = json.dumps({"amount": 1000, "currency": "usd"} | changes)
    headers = {} if key is None else {"Idempotency-Key": key}
    return person.api.post(PATH, body, content_type="application/json", headers=headers)


def sessions() -> int:
    """Count our sessions in the sandbox, which outlives the tests' transactions."""
    ours = Payment.objects.exclude(session_id=None).values("session_id")
    return CheckoutSession.objects.filter(stripe_id__in=ours).count()


no_stripe = partial(stripe_answers, status=200, body=b"<html>Welcome to the hotel</html>")


def test_a_checkout_is_a_pending_payment_with_a_payment_page(bob: Person, sandbox: str) -> None:
    answer = ask(bob).json()

    payment = Payment.objects.get()
    assert (payment.user, payment.amount, payment.status) == (bob.user, 1000, "pending")
    assert (answer["payment_id"], answer["session_id"]) == (payment.pk, payment.session_id)
    assert answer["url"].startswith(sandbox)
    assert bob.balance() == "0.00"
    names = {**MARK, "payment_id": str(payment.pk), "user_id": str(bob.user.pk)}
    assert CheckoutSession.objects.get(stripe_id=payment.session_id).metadata == names


def test_requests_with_one_key_are_one_purchase_and_without_one_each_is_another(
    bob: Person, charlie: Person, sandbox: str
) -> None:
    first, second = ask(bob, "order-1"), ask(bob, "order-1")

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert (Payment.objects.count(), sessions()) == (1, 1)
    # The key of another user is another key.
    others = [ask(charlie, "order-1", amount=2500).json(), ask(bob).json(), ask(bob).json()]
    assert [other["amount"] for other in others] == [2500, 1000, 1000]
    assert len({other["session_id"] for other in (first.json(), *others)}) == 4


def test_a_key_cannot_be_used_for_two_purchases(bob: Person, sandbox: str) -> None:
    ask(bob, "order-1")

    for change in ({"amount": 2000}, {"success_url": "http://localhost/elsewhere"}):
        response = ask(bob, "order-1", **change)
        assert (response.status_code, response.json()["code"]) == (409, "idempotency_key_reused")
    assert [payment.amount for payment in Payment.objects.all()] == [1000]


def test_a_request_repeated_after_its_answer_was_lost_or_after_paying_is_the_same_purchase(
    bob: Person, sandbox: str
) -> None:
    first = ask(bob, "order-1").json()
    lose_answer(Payment.objects.get())
    second = ask(bob, "order-1").json()
    deliver(event(Payment.objects.get()))

    third = ask(bob, "order-1").json()

    assert second == first
    assert third == first | {"status": "paid"}
    assert bob.balance() == "20.00"


@pytest.mark.parametrize("trouble", [stripe_is_silent, stripe_is_down, stripe_trickles, no_stripe])
def test_while_stripe_is_unavailable_the_payment_stays_created_and_then_goes_on(
    bob: Person, sandbox: str, settings: Any, trouble: Any
) -> None:
    with trouble(settings):
        response = ask(bob, "order-1")
    interrupted = Payment.objects.get()

    settings.STRIPE_API_BASE = sandbox
    answer = ask(bob, "order-1").json()

    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert response.json()["code"] == "stripe_unavailable"
    assert interrupted.status == "created"
    assert (answer["payment_id"], answer["status"]) == (interrupted.pk, "pending")
    assert (Payment.objects.count(), sessions()) == (1, 1)


def test_another_database_gets_no_answer_of_this_one(
    alice: Person, bob: Person, sandbox: str
) -> None:
    """A restored or emptied database gives a number again, which Stripe knows already."""
    first = ask(bob, "order-1").json()
    Payment.objects.all().delete()
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SELECT setval('payments_id_seq', %s, false)", [first["payment_id"]])

    answer = ask(alice, "order-1", amount=2000)

    assert answer.status_code == 201
    second = answer.json()
    assert second["payment_id"] == first["payment_id"]
    assert second["session_id"] != first["session_id"]


def test_a_payment_from_before_continues_with_its_old_key(bob: Person, settings: Any) -> None:
    with stripe_answers(settings, 500, b"{}"):
        ask(bob, "order-1")
    Payment.objects.update(stripe_key=None)

    with stripe_answers(settings, 500, b"{}") as stripe:
        ask(bob, "order-1")

    assert stripe.headers[0]["Idempotency-Key"] == f"payment:{Payment.objects.get().pk}"


@pytest.mark.parametrize(
    ("answer", "error", "status", "code"),
    [
        (400, REFUSAL, 400, "invalid"),
        (400, OTHER_DETAILS, 409, "session_conflict"),
        (409, IN_USE, 503, "stripe_unavailable"),  # the first request has no answer yet
    ],
    ids=["refused", "known with other details", "in progress"],
)
def test_what_stripe_says_of_a_request_is_answered_and_the_payment_stays_created(
    bob: Person, settings: Any, answer: int, error: dict[str, Any], status: int, code: str
) -> None:
    with stripe_answers(settings, answer, json.dumps(error).encode()):
        response = ask(bob, "order-1")

    assert (response.status_code, response.json()["code"]) == (status, code)
    assert ("Amount is too small." in response.json()["detail"]) is (error == REFUSAL)
    assert response.get("Retry-After") == ("5" if status == 503 else None)
    assert Payment.objects.get().status == "created"


@pytest.mark.django_db(transaction=True)
def test_a_simultaneous_request_with_the_same_key_returns_the_session_of_the_first(
    bob: Person, settings: Any
) -> None:
    def answer_the_other() -> None:
        at_once(lambda: Payment.objects.update(status="pending", session_id="cs_test_other"))

    with stripe_answers(settings, 409, json.dumps(IN_USE).encode()) as stripe:
        stripe.meanwhile = answer_the_other
        response = ask(bob, "order-1")

    assert (response.status_code, response.json()["session_id"]) == (201, "cs_test_other")
    assert Payment.objects.count() == 1


NEVER_AT_STRIPE: dict[str, Any] = {
    "amount": 1000,
    "currency": "usd",
    "status": Payment.Status.CREATED,
    "created_at": NOW,
}


def test_one_person_has_at_most_fifty_unpaid_purchases(bob: Person, sandbox: str) -> None:
    first = pending_payment(bob.user, 1000)
    for _ in range(48):
        pending_payment(bob.user, 1000)
    Payment.objects.create(user=bob.user, **NEVER_AT_STRIPE)

    last = ask(bob, "last")
    refused, again = ask(bob, "one-more"), ask(bob, "last")
    deliver(event(first))
    after_a_payment = ask(bob, "one-more")

    assert (last.status_code, refused.status_code) == (201, 409)
    assert refused.json()["code"] == "too_many_unpaid"
    assert again.json() == last.json()
    assert after_a_payment.status_code == 201


def forgotten(bob: Person, **changes: Any) -> Payment:
    """Return a pending purchase whose session expired a day and an hour ago."""
    payment = pending_payment(bob.user)
    ended = {"expires_at": NOW - timedelta(days=1, hours=1)}
    Payment.objects.filter(pk=payment.pk).update(**ended | changes)
    return payment


def test_a_purchase_that_was_not_paid_in_time_is_closed_once_and_no_other(
    alice: Person, bob: Person
) -> None:
    payment, paid, delayed = (forgotten(bob) for _ in range(3))
    deliver(event(paid))
    deliver(event(delayed, payment_status="unpaid"))
    forgotten(bob, expires_at=NOW - timedelta(hours=23))  # Stripe may still tell
    forgotten(bob, completed_at=NOW - timedelta(days=3))  # money is on its way
    forgotten(bob, status="failed")
    forgotten(bob, status="created", session_id=None, expires_at=None)  # asked for just now

    assert [checkout.close_expired(now=NOW) for _ in range(2)] == [1, 0]

    payment.refresh_from_db()
    assert payment.status == "expired"
    deliver(event(delayed, "checkout.session.async_payment_succeeded"))
    assert (alice.balance(), bob.balance()) == ("10.00", "30.00")
