"""Our objects against the fields and JSON types of Stripe's published OpenAPI fixtures.

`stripe_fields.json` holds what the fixtures say, by object and type; `any` is a field that is null
there. The sandbox sends fewer fields than Stripe, but no other ones. Inside an object that the
fixtures leave empty (metadata, a bank account) only the type of the object itself counts.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import stripe
from django.utils import timezone

from payments.sandbox.deliveries import deliver_due
from payments.sandbox.models import Dispute, Event, PaymentIntent
from payments.sandbox.tests.conftest import curl, in_its_own_tables, pay, submit

pytestmark = in_its_own_tables

FIELDS: dict[str, dict[str, list[str]]] = json.loads(
    Path(__file__).with_name("stripe_fields.json").read_text()
)
# The fields that the program reads, which the sandbox must not leave out.
NEEDED = {
    "checkout.session": {
        "id", "amount_total", "currency", "expires_at", "livemode", "metadata", "mode",
        "payment_intent", "payment_status", "status", "url",
    },
    "payment_intent": {"id", "latest_charge", "metadata"},
    "charge": {"id", "payment_method_details"},
    "refund": {"id", "amount", "currency", "payment_intent", "status"},
    "dispute": {"id", "amount", "currency", "payment_intent", "status"},
    "event": {"id", "api_version", "created", "data.object", "livemode", "type"},
}  # fmt: skip
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
    fields = dict(flattened(found, expected))

    assert set(fields) <= set(expected), "a field that Stripe does not have"
    assert set(fields) >= NEEDED[kind], "a field that the program reads is missing"
    wrong = {
        name: value
        for name, value in fields.items()
        if value is not None and expected[name] not in ("any", TYPES[type(value)])
    }
    assert wrong == {}


@pytest.mark.usefixtures("endpoint")
def test_every_object_has_fields_that_stripe_publishes(
    client: stripe.StripeClient, session: stripe.checkout.Session, sandbox: str
) -> None:
    submit(session, card_number="4000000000000002")
    submit(session, cardholder_name="Bob")
    intent_id = PaymentIntent.objects.get().stripe_id
    curl(sandbox, f"charges/{pay(client, card='4000000000005126')}/refund")
    pay(client, card="4000000000000259")
    curl(sandbox, f"disputes/{Dispute.objects.get().stripe_id}/decide", outcome="won")
    deliver_due(timezone.now() + timedelta(seconds=6))

    intent = client.v1.payment_intents.retrieve(intent_id, params={"expand": ["latest_charge"]})

    assert_shape("checkout.session", session.to_dict())
    assert_shape("payment_intent", intent.to_dict())
    assert_shape("charge", intent.to_dict()["latest_charge"])
    assert "fingerprint" in intent.to_dict()["latest_charge"]["payment_method_details"]["card"]
    for listed in client.v1.checkout.sessions.list().data:
        assert_shape("checkout.session", listed.to_dict())
    subjects = [check_event(event) for event in Event.objects.all()]
    assert set(subjects) == set(FIELDS) - {"event"}


def check_event(event: Event) -> str:
    """Check an event and its subject; return the subject's kind."""
    sent = json.loads(event.body)
    assert_shape("event", sent)
    subject = sent["data"]["object"]
    assert_shape(subject["object"], subject)
    return str(subject["object"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": "red"}, "Stripe does not have"),
        ({"expires_at": "1000"}, "expires_at"),
        ({"metadata": []}, "metadata"),
    ],
)
def test_the_check_sees_a_wrong_shape(
    session: stripe.checkout.Session, change: dict[str, Any], message: str
) -> None:
    right = session.to_dict()

    with pytest.raises(AssertionError, match=message):
        assert_shape("checkout.session", right | change)
    del right["mode"]
    with pytest.raises(AssertionError, match="is missing"):
        assert_shape("checkout.session", right)
