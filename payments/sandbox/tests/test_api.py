"""Stripe's API by the official SDK: what the program calls, and how other calls are refused."""

from datetime import timedelta
from typing import Any

import pytest
import requests
import stripe
import time_machine
from django.utils import timezone

from payments.sandbox.deliveries import deliver_due
from payments.sandbox.models import Dispute, PaymentIntent
from payments.sandbox.tests.conftest import (
    curl,
    in_its_own_tables,
    new_session_parameters,
    pay,
    sdk,
    submit,
)
from payments.tests.fake_stripe import RecordingServer

pytestmark = in_its_own_tables


@pytest.mark.parametrize("amount", [1, 99_999_999])
def test_it_opens_a_session_with_what_was_sent(
    client: stripe.StripeClient, sandbox: str, amount: int
) -> None:
    session = client.v1.checkout.sessions.create(params=new_session_parameters(amount))

    assert session.id.startswith("cs_test_")
    assert session.url == f"{sandbox}/c/pay/{session.id}"
    assert (session.status, session.payment_status) == ("open", "unpaid")
    assert (session.amount_total, session.currency) == (amount, "usd")
    assert session.client_reference_id == "4"
    assert session.to_dict()["metadata"] == {"payment_id": "17", "user_id": "4"}
    assert session.expires_at - session.created == 24 * 3600
    assert session.payment_intent is None


WHOLE = "parameter_invalid_integer"


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        *(({"amount": amount}, WHOLE) for amount in ("ten", "10.5", 0, -1, 100_000_000, "١٠")),
        ({"colour": "red"}, "Received unknown parameter: colour"),
        ({"payment_intent_data": {"description": "?"}}, "Received unknown parameter"),
        ({"line_items": []}, "Missing required param: line_items"),
        ({"success_url": ""}, "Missing required param: success_url"),
        ({"mode": "subscription"}, "Invalid mode"),
    ],
)
def test_it_refuses_what_stripe_would_refuse_and_what_it_would_not_obey(
    client: stripe.StripeClient, changes: dict[str, Any], refusal: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.checkout.sessions.create(params=new_session_parameters(**changes))

    assert refused.value.http_status == 400
    assert refusal in f"{refused.value} {refused.value.code}"


def test_it_lists_sessions_newest_first_in_pages_and_by_status_and_time(
    client: stripe.StripeClient,
) -> None:
    sessions = client.v1.checkout.sessions
    paid, *opened = (sessions.create(params=new_session_parameters()) for _ in range(3))
    submit(paid)

    def ids(**chosen: Any) -> list[str]:
        filters: Any = chosen
        return [found.id for found in sessions.list(params=filters).data]

    first = sessions.list(params={"limit": 2})
    assert ([found.id for found in first.data], first.has_more) == (
        [opened[1].id, opened[0].id],
        True,
    )
    assert [found.id for found in first.auto_paging_iter()][2:] == [paid.id]
    assert ids(status="open") == [opened[1].id, opened[0].id]
    assert ids(status="complete", created={"gte": paid.created}) == [paid.id]
    assert ids(created={"gte": opened[1].created + 1}) == []


@pytest.mark.usefixtures("endpoint")
def test_it_lists_events_by_type_and_time(
    client: stripe.StripeClient, session: stripe.checkout.Session, endpoint: RecordingServer
) -> None:
    submit(session)

    def found(**chosen: Any) -> list[tuple[str, int]]:
        filters: Any = chosen
        listed = client.v1.events.list(params=filters).data
        return [(event.type, event.pending_webhooks) for event in listed]

    types = ["payment_intent.created", "charge.succeeded"]
    assert found(types=types) == [("charge.succeeded", 1), ("payment_intent.created", 1)]
    assert len(found(created={"gte": session.created})) == 4
    assert found(created={"gte": session.created + 60}) == []
    deliver_due(timezone.now())
    assert found(types=["charge.succeeded"]) == [("charge.succeeded", 0)]


def test_it_shows_the_charge_of_a_payment_by_id_or_in_full(
    client: stripe.StripeClient, session: stripe.checkout.Session
) -> None:
    submit(session)
    intent_id = PaymentIntent.objects.get().stripe_id

    plain = client.v1.payment_intents.retrieve(intent_id).to_dict()
    full = client.v1.payment_intents.retrieve(intent_id, params={"expand": ["latest_charge"]})

    charge = full.to_dict()["latest_charge"]
    assert charge["id"] == plain["latest_charge"]
    assert (charge["status"], charge["paid"], charge["amount"]) == ("succeeded", True, 1000)
    assert plain["metadata"] == {"payment_id": "17", "user_id": "4"}


def test_it_says_404_for_what_it_does_not_have_and_refuses_an_unknown_filter(
    client: stripe.StripeClient,
) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="No such payment_intent") as no_object:
        client.v1.payment_intents.retrieve("pi_none")
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request") as no_endpoint:
        client.v1.customers.list()
    with pytest.raises(stripe.InvalidRequestError, match="unknown parameter: ending_before"):
        client.v1.checkout.sessions.list(params={"ending_before": "cs_test_1"})

    assert no_object.value.http_status == no_endpoint.value.http_status == 404
    assert no_object.value.code == "resource_missing"


@pytest.mark.parametrize("key", ["sk_live_alice", "pk_test_alice", "nonsense"])
def test_it_takes_test_keys_only(sandbox: str, key: str) -> None:
    with pytest.raises(stripe.AuthenticationError):
        sdk(sandbox, key).v1.checkout.sessions.list()

    assert requests.get(f"{sandbox}/v1/events", timeout=10).status_code == 401


def test_each_movement_is_listed_with_its_fee_and_source_and_paid_out_after_midnight(
    client: stripe.StripeClient, sandbox: str, endpoint: Any
) -> None:
    """The refund of one charge fails, and the dispute of another is won."""
    curl(sandbox, f"charges/{pay(client, card='4000000000005126')}/refund", amount="4.00")
    pay(client, card="4000000000000259", amount=2000)
    curl(sandbox, f"disputes/{Dispute.objects.get().stripe_id}/decide", outcome="won")
    deliver_due(timezone.now() + timedelta(seconds=6))

    params: Any = {"limit": 2, "expand": ["data.source"]}
    listed = list(client.v1.balance_transactions.list(params=params).auto_paging_iter())
    by_id = client.v1.balance_transactions.list(params={"limit": 100}).data
    today = client.v1.payouts.list().data
    with time_machine.travel(timezone.now() + timedelta(days=1), tick=True):
        [payout] = client.v1.payouts.list().data
        later = client.v1.payouts.list(params={"created": {"gte": payout.created + 1}}).data
        earlier = client.v1.payouts.list(params={"created": {"lt": payout.created}}).data

    assert sorted((each.reporting_category, each.amount, each.fee) for each in listed) == [
        ("charge", 1000, 59),
        ("charge", 2000, 88),
        ("dispute", -2000, 1500),
        ("dispute_reversal", 2000, 0),
        ("refund", -400, 0),
        ("refund_failure", 400, 0),
    ]
    assert all(each.net == each.amount - each.fee for each in listed)
    assert all(each.to_dict()["source"]["payment_intent"][:3] == "pi_" for each in listed)
    assert {str(each.source)[:3] for each in by_id} == {"ch_", "re_", "dp_"}
    assert payout.amount == 3000 - 59 - 88 - 1500
    assert today == later == earlier == []
