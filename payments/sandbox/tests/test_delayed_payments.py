"""A bank account that pays later, or fails later."""

from datetime import timedelta

import requests
import stripe
from django.utils import timezone

from payments.sandbox.deliveries import deliver_due
from payments.sandbox.models import PaymentIntent
from payments.sandbox.payment_methods import FAILING_ACCOUNT, PAYING_ACCOUNT
from payments.sandbox.tests.conftest import (
    Endpoint,
    event_types,
    in_its_own_tables,
    submit,
)

pytestmark = in_its_own_tables


def pay_by_bank(session: stripe.checkout.Session, account: str) -> None:
    answer = submit(session, payment_method="delayed", account_number=account)
    assert answer.status_code == 303


def statuses() -> tuple[str, str, str]:
    """Return the session's status, its payment status, and its payment intent's status."""
    intent = PaymentIntent.objects.select_related("session").get()
    return intent.session.status, intent.session.payment_status, intent.status


def let_a_minute_pass() -> None:
    for _ in range(2):
        deliver_due(timezone.now() + timedelta(minutes=1))


def test_the_session_completes_unpaid(session: stripe.checkout.Session, endpoint: Endpoint) -> None:
    pay_by_bank(session, PAYING_ACCOUNT)
    deliver_due(timezone.now())

    assert statuses() == ("complete", "unpaid", "processing")
    assert event_types() == [
        "payment_intent.created",
        "payment_intent.processing",
        "charge.pending",
        "checkout.session.completed",
    ]
    assert b'"payment_status": "unpaid"' in endpoint.bodies[-1]


def test_a_paying_account_settles_later(
    session: stripe.checkout.Session, endpoint: Endpoint
) -> None:
    pay_by_bank(session, PAYING_ACCOUNT)
    let_a_minute_pass()

    assert statuses() == ("complete", "paid", "succeeded")
    assert event_types()[4:] == [
        "payment_intent.succeeded",
        "charge.succeeded",
        "checkout.session.async_payment_succeeded",
    ]
    assert b'"payment_status": "paid"' in endpoint.bodies[-1]
    assert len(endpoint.bodies) == 7


def test_a_failing_account_fails_later(
    session: stripe.checkout.Session, endpoint: Endpoint
) -> None:
    pay_by_bank(session, FAILING_ACCOUNT)
    let_a_minute_pass()

    assert statuses() == ("complete", "unpaid", "requires_payment_method")
    assert event_types()[4:] == [
        "charge.failed",
        "payment_intent.payment_failed",
        "checkout.session.async_payment_failed",
    ]
    assert len(endpoint.bodies) == 7


def test_a_bare_choice_of_the_method_pays(session: stripe.checkout.Session) -> None:
    answer = requests.post(
        str(session.url),
        data={"payment_method": "delayed", "email": "bob@example.com"},
        timeout=10,
        allow_redirects=False,
    )

    assert answer.status_code == 303


def test_it_takes_the_test_accounts_only(session: stripe.checkout.Session) -> None:
    answer = submit(session, payment_method="delayed", account_number="000999999991")

    assert answer.status_code == 400
