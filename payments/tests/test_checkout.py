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
from payments.stripe_gateway import MARK
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


def test_two_requests_with_one_key_make_one_payment_and_one_session(
    bob: Person, sandbox: str
) -> None:
    first, second = ask(bob, "order-1"), ask(bob, "order-1")

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert (Payment.objects.count(), sessions()) == (1, 1)


def test_without_a_key_each_request_is_a_new_purchase(bob: Person, sandbox: str) -> None:
    first, second = ask(bob).json(), ask(bob).json()

    assert first["session_id"] != second["session_id"]
    assert Payment.objects.count() == 2


@pytest.mark.parametrize(
    "change", [{"amount": 2000}, {"success_url": "http://localhost/elsewhere"}]
)
def test_a_key_cannot_be_used_for_two_purchases(
    bob: Person, sandbox: str, change: dict[str, Any]
) -> None:
    ask(bob, "order-1")

    response = ask(bob, "order-1", **change)

    assert (response.status_code, response.json()["code"]) == (409, "idempotency_key_reused")
    assert [payment.amount for payment in Payment.objects.all()] == [1000]


def test_the_key_of_another_user_is_another_key(bob: Person, charlie: Person, sandbox: str) -> None:
    mine, theirs = ask(bob, "order-1").json(), ask(charlie, "order-1", amount=2500).json()

    assert mine["session_id"] != theirs["session_id"]
    assert (mine["amount"], theirs["amount"]) == (1000, 2500)


def test_a_request_repeated_after_paying_returns_the_payment(bob: Person, sandbox: str) -> None:
    first = ask(bob, "order-1").json()
    deliver(event(Payment.objects.get()))

    second = ask(bob, "order-1").json()

    assert second == first | {"status": "paid"}
    assert bob.balance() == "20.00"


@pytest.mark.parametrize("trouble", [stripe_is_silent, stripe_is_down, stripe_trickles, no_stripe])
def test_while_stripe_is_unavailable_the_payment_stays_created(
    bob: Person, settings: Any, trouble: Any
) -> None:
    with trouble(settings):
        response = ask(bob)

    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert response.json()["code"] == "stripe_unavailable"
    assert Payment.objects.get().status == "created"


def test_a_repeated_request_continues_with_the_same_payment(
    bob: Person, sandbox: str, settings: Any
) -> None:
    with stripe_is_down(settings):
        ask(bob, "order-1")
    interrupted = Payment.objects.get()

    settings.STRIPE_API_BASE = sandbox
    answer = ask(bob, "order-1").json()

    assert (answer["payment_id"], answer["status"]) == (interrupted.pk, "pending")
    assert (Payment.objects.count(), sessions()) == (1, 1)


def test_a_lost_answer_does_not_create_a_second_session(bob: Person, sandbox: str) -> None:
    first = ask(bob, "order-1").json()
    lose_answer(Payment.objects.get())

    second = ask(bob, "order-1").json()

    assert second["session_id"] == first["session_id"]
    assert second["url"] == first["url"]


def test_a_request_that_stripe_refuses_is_a_bad_request(bob: Person, settings: Any) -> None:
    with stripe_answers(settings, 400, json.dumps(REFUSAL).encode()):
        response = ask(bob)

    assert response.status_code == 400
    assert "Amount is too small." in response.json()["detail"]


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


def test_a_purchase_that_stripe_knows_with_other_details_is_a_conflict(
    bob: Person, settings: Any
) -> None:
    with stripe_answers(settings, 400, json.dumps(OTHER_DETAILS).encode()):
        response = ask(bob, "order-1")

    assert (response.status_code, response.json()["code"]) == (409, "session_conflict")
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


def test_while_the_first_request_has_no_answer_the_second_gets_503(
    bob: Person, settings: Any
) -> None:
    with stripe_answers(settings, 409, json.dumps(IN_USE).encode()):
        response = ask(bob, "order-1")

    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert Payment.objects.get().status == "created"


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


def test_a_purchase_that_was_not_paid_in_time_is_closed_once(bob: Person) -> None:
    payment = forgotten(bob)

    assert [checkout.close_expired(now=NOW) for _ in range(2)] == [1, 0]

    payment.refresh_from_db()
    assert payment.status == "expired"


@pytest.mark.parametrize(
    "changes",
    [
        {"expires_at": NOW - timedelta(hours=23)},
        {"completed_at": NOW - timedelta(days=3)},
        {"status": "failed"},
        {"status": "created", "session_id": None, "expires_at": None},
    ],
    ids=["stripe may still tell", "money on its way", "failed", "asked for just now"],
)
def test_nothing_else_is_closed(bob: Person, changes: dict[str, Any]) -> None:
    forgotten(bob, **changes)

    assert checkout.close_expired(now=NOW) == 0


def test_a_paid_purchase_is_not_closed(bob: Person) -> None:
    payment = forgotten(bob)
    deliver(event(payment))

    assert checkout.close_expired(now=NOW) == 0


def test_a_purchase_with_a_delayed_payment_is_not_closed(alice: Person, bob: Person) -> None:
    payment = forgotten(bob)
    deliver(event(payment, payment_status="unpaid"))

    closed = checkout.close_expired(now=NOW)
    deliver(event(payment, "checkout.session.async_payment_succeeded"))

    assert (closed, alice.balance(), bob.balance()) == (0, "10.00", "20.00")


def test_a_closed_purchase_settles_when_it_is_paid_later(alice: Person, bob: Person) -> None:
    payment = forgotten(bob)
    checkout.close_expired(now=NOW)

    late = deliver(event(payment))

    assert late.json()["outcome"] == "settled"
    assert (alice.balance(), bob.balance()) == ("10.00", "20.00")
