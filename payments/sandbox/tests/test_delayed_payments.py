"""A bank account that pays later, or fails later."""

from datetime import timedelta

import pytest
import requests
import stripe
from django.utils import timezone

from payments.sandbox.deliveries import deliver_due
from payments.sandbox.models import Event
from payments.sandbox.payment_methods import FAILING_ACCOUNT, PAYING_ACCOUNT
from payments.sandbox.tests.conftest import (
    Endpoint,
    in_its_own_tables,
    new_session_parameters,
    submit,
)

pytestmark = in_its_own_tables


def pay_by_bank(session: stripe.checkout.Session, account: str) -> None:
    answer = submit(session, payment_method="delayed", account_number=account)
    assert answer.status_code == 303


def states(client: stripe.StripeClient, session: stripe.checkout.Session) -> tuple[str, str, str]:
    """Return the session's status, its payment status, and its payment intent's status."""
    found = client.v1.checkout.sessions.retrieve(
        session.id, params={"expand": ["payment_intent"]}
    ).to_dict()
    return found["status"], found["payment_status"], found["payment_intent"]["status"]


def event_types() -> list[str]:
    return list(Event.objects.order_by("id").values_list("type", flat=True))


def let_days_pass() -> None:
    for _ in range(2):
        deliver_due(timezone.now() + timedelta(minutes=1))


def test_the_session_completes_unpaid(
    client: stripe.StripeClient, session: stripe.checkout.Session, endpoint: Endpoint
) -> None:
    pay_by_bank(session, PAYING_ACCOUNT)
    deliver_due(timezone.now())

    assert states(client, session) == ("complete", "unpaid", "processing")
    assert event_types() == [
        "payment_intent.created",
        "payment_intent.processing",
        "charge.pending",
        "checkout.session.completed",
    ]
    assert b'"payment_status": "unpaid"' in endpoint.bodies[-1]


def test_a_paying_account_settles_later(
    client: stripe.StripeClient, session: stripe.checkout.Session, endpoint: Endpoint
) -> None:
    pay_by_bank(session, PAYING_ACCOUNT)
    let_days_pass()

    assert states(client, session) == ("complete", "paid", "succeeded")
    assert event_types()[4:] == [
        "payment_intent.succeeded",
        "charge.succeeded",
        "checkout.session.async_payment_succeeded",
    ]
    assert b'"payment_status": "paid"' in endpoint.bodies[-1]
    assert len(endpoint.bodies) == 7


def test_a_failing_account_fails_later(
    client: stripe.StripeClient, session: stripe.checkout.Session, endpoint: Endpoint
) -> None:
    pay_by_bank(session, FAILING_ACCOUNT)
    let_days_pass()

    assert states(client, session) == ("complete", "unpaid", "requires_payment_method")
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


@pytest.mark.parametrize(
    "typed", [{"account_number": "000999999991"}, {"routing_number": "021000021"}]
)
def test_it_takes_the_test_accounts_only(
    session: stripe.checkout.Session, typed: dict[str, str]
) -> None:
    assert submit(session, payment_method="delayed", **typed).status_code == 400


def test_a_session_for_cards_takes_no_bank_account(client: stripe.StripeClient) -> None:
    sent = new_session_parameters(payment_method_types=["card"])
    opened = client.v1.checkout.sessions.create(params=sent)

    assert "US bank account" not in requests.get(str(opened.url), timeout=10).text
    assert submit(opened, payment_method="delayed").status_code == 400
