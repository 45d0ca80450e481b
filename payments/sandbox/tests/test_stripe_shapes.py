"""Our objects against the fields and JSON types of Stripe's published OpenAPI fixtures.

`stripe_fields.json` holds what the fixtures say, by object and type; `any` is a field that is null
there. Below a sparse field (metadata, an error's details) only the type of the field itself counts.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stripe
from django.utils import timezone

from payments.sandbox import refunds
from payments.sandbox.models import Charge, Event, PaymentIntent
from payments.sandbox.tests.conftest import in_its_own_tables, submit
from payments.sandbox.tests.money_back import pay

pytestmark = in_its_own_tables

FIELDS: dict[str, dict[str, list[str]]] = json.loads(
    Path(__file__).with_name("stripe_fields.json").read_text()
)
# Stripe's reference knows these of a refund that is pending or has failed; its fixture is neither.
OPTIONAL = {"refund": {"pending_reason", "failure_balance_transaction", "failure_reason"}}
TYPES = {bool: "boolean", int: "integer", str: "string", list: "list", dict: "object"}


def types_by_field(kind: str) -> dict[str, str]:
    return {name: type_ for type_, names in FIELDS[kind].items() for name in names}


def flattened(value: dict[str, Any], expected: dict[str, str], prefix: str = "") -> Iterator[Any]:
    """Yield (dotted name, value), going down only where the fixtures do."""
    for name, inner in value.items():
        dotted = f"{prefix}{name}"
        yield dotted, inner
        if isinstance(inner, dict) and any(known.startswith(f"{dotted}.") for known in expected):
            yield from flattened(inner, expected, f"{dotted}.")


def assert_shape(kind: str, found: dict[str, Any]) -> None:
    expected = types_by_field(kind)
    optional = OPTIONAL.get(kind, set())
    fields = dict(flattened({k: v for k, v in found.items() if k not in optional}, expected))

    assert set(fields) <= set(expected), "a field that Stripe does not have"
    missing = {
        name
        for name in set(expected) - set(fields)
        if "." not in name or isinstance(fields.get(name.rpartition(".")[0]), dict)
    }
    assert missing == set()
    wrong = {
        name: value
        for name, value in fields.items()
        if value is not None and expected[name] not in ("any", TYPES[type(value)])
    }
    assert wrong == {}


@pytest.fixture
def told(client: stripe.StripeClient, session: stripe.checkout.Session) -> dict[str, Any]:
    """What the API tells about a session that was declined once and then paid."""
    submit(session, card_number="4000000000000002")
    submit(session, cardholder_name="Bob")
    api = client.v1
    return {
        "open session": session.to_dict(),
        "session": api.checkout.sessions.retrieve(session.id).to_dict(),
        "intent": api.payment_intents.retrieve(PaymentIntent.objects.get().stripe_id).to_dict(),
        "charges": [
            api.charges.retrieve(charge.stripe_id).to_dict() for charge in Charge.objects.all()
        ],
        "events": [api.events.retrieve(event.stripe_id).to_dict() for event in Event.objects.all()],
    }


def test_every_object_has_the_fields_that_stripe_publishes(told: dict[str, Any]) -> None:
    assert_shape("checkout.session", told["open session"])
    assert_shape("checkout.session", told["session"])
    assert_shape("payment_intent", told["intent"])
    for charge in told["charges"]:
        assert_shape("charge", charge)
    for event in told["events"]:
        assert_shape("event", event)
        subject = event["data"]["object"]
        assert_shape(subject["object"], subject)


def test_refunds_and_disputes_have_the_fields_that_stripe_publishes(
    client: stripe.StripeClient,
) -> None:
    refund = client.v1.refunds.create(params={"charge": pay(client, card="4000000000007726")})
    refunds.fail(refund_id=refund.id, now=timezone.now())
    pay(client, card="4000000000000259")
    (dispute,) = client.v1.disputes.list().data
    client.v1.disputes.close(dispute.id)

    assert_shape("refund", refund.to_dict())
    assert_shape("refund", client.v1.refunds.retrieve(refund.id).to_dict())
    assert_shape("dispute", dispute.to_dict())
    for event in client.v1.events.list(params={"limit": 100}).to_dict()["data"]:
        assert_shape("event", event)
        assert_shape(event["data"]["object"]["object"], event["data"]["object"])


@pytest.mark.parametrize(
    ("change", "value"),
    [("colour", "red"), ("expires_at", "1000"), ("automatic_tax", {"enabled": True})],
)
def test_the_check_sees_a_wrong_shape(
    session: stripe.checkout.Session, change: str, value: object
) -> None:
    with pytest.raises(AssertionError):
        assert_shape("checkout.session", session.to_dict() | {change: value})


def test_ids_have_stripes_forms(told: dict[str, Any]) -> None:
    assert told["session"]["id"].startswith("cs_test_a1")
    assert told["intent"]["id"].startswith("pi_")
    assert all(charge["id"].startswith("ch_") for charge in told["charges"])
    assert all(charge["payment_method"].startswith("pm_") for charge in told["charges"])
    assert all(event["id"].startswith("evt_") for event in told["events"])
