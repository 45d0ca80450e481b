"""A bank account that pays later, or fails later."""

from datetime import timedelta

import pytest
import stripe
from django.utils import timezone

from payments.sandbox.deliveries import deliver_due
from payments.sandbox.models import PaymentIntent
from payments.sandbox.payment_methods import FAILING_ACCOUNT
from payments.sandbox.tests.conftest import (
    event_types,
    in_its_own_tables,
    submit,
)
from payments.tests.recording_server import RecordingServer

SUCCEEDED = "checkout.session.async_payment_succeeded"
FAILED = "checkout.session.async_payment_failed"

pytestmark = in_its_own_tables


def statuses() -> tuple[str, str, str]:
    """Return the session's status, its payment status, and its payment intent's status."""
    intent = PaymentIntent.objects.select_related("session").get()
    return intent.session.status, intent.session.payment_status, intent.status


@pytest.mark.parametrize(
    ("account", "end", "events"),
    [
        (
            {},
            ("complete", "paid", "succeeded"),
            ["payment_intent.succeeded", "charge.succeeded", SUCCEEDED],
        ),
        (
            {"account_number": FAILING_ACCOUNT.number},
            ("complete", "unpaid", "requires_payment_method"),
            ["charge.failed", "payment_intent.payment_failed", FAILED],
        ),
    ],
    ids=["pays", "fails"],
)
def test_the_session_completes_unpaid_and_settles_later(
    session: stripe.checkout.Session,
    endpoint: RecordingServer,
    account: dict[str, str],
    end: tuple[str, str, str],
    events: list[str],
) -> None:
    assert submit(session, payment_method="delayed", **account).status_code == 303
    deliver_due(timezone.now())
    assert statuses() == ("complete", "unpaid", "processing")
    assert b'"payment_status": "unpaid"' in endpoint.bodies[-1]
    for _ in range(2):
        deliver_due(timezone.now() + timedelta(minutes=1))

    assert statuses() == end
    begun = ["payment_intent.created", "payment_intent.processing", "charge.pending"]
    assert event_types() == [*begun, "checkout.session.completed", *events]
    assert len(endpoint.bodies) == 7


def test_it_takes_the_test_accounts_only(session: stripe.checkout.Session) -> None:
    refused = submit(session, payment_method="delayed", account_number="000999999991")

    assert refused.status_code == 400
