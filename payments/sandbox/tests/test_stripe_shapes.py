"""Our objects against the fields and types of Stripe's SDK, which is made from Stripe's OpenAPI.

The sandbox sends fewer fields than Stripe, but no other ones.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, ForwardRef, Literal, Union, get_args, get_origin

import pytest
import stripe
import time_machine
from django.utils import timezone

from payments.sandbox.deliveries import deliver_due
from payments.sandbox.models import Dispute, Event, PaymentIntent
from payments.sandbox.tests.conftest import curl, in_its_own_tables, pay, submit

pytestmark = in_its_own_tables

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
    "event": {"id", "api_version", "created", "data", "livemode", "type"},
    "balance_transaction": {
        "id", "amount", "created", "fee", "net", "reporting_category", "source",
    },
    "payout": {"id", "amount", "arrival_date", "created", "status"},
}  # fmt: skip


def wrong_fields(found: stripe.StripeObject) -> Iterator[str]:
    """Yield the fields that Stripe does not have, or that have another type there."""
    hints: dict[str, Any] = {}
    for kind in type(found).__mro__:
        hints |= vars(kind).get("__annotations__", {})
    for name, value in found.to_dict(recursive=False).items():
        if name not in hints or kind_of(type(value)) not in allowed(hints[name]):
            yield name
        elif isinstance(value, stripe.StripeObject) and type(value) is not stripe.StripeObject:
            yield from (f"{name}.{inner}" for inner in wrong_fields(value))


def allowed(hint: Any) -> set[Any]:
    """Return the kinds of values that a hint such as `Optional[Literal["open"]]` allows."""
    return set(map(kind_of, get_args(hint) if get_origin(hint) is Union else [hint]))


def kind_of(hint: Any) -> Any:
    """Return the type, of all Stripe's objects the same."""
    origin = get_origin(hint) or hint
    if origin is Literal:
        return str
    is_object = isinstance(origin, ForwardRef) or issubclass(origin, stripe.StripeObject)
    return stripe.StripeObject if is_object else origin


def check(found: stripe.StripeObject) -> str:
    """Check the fields of an object, and return its kind."""
    fields = found.to_dict(recursive=False)
    kind = str(fields["object"])
    assert list(wrong_fields(found)) == []
    assert fields.keys() >= NEEDED[kind]
    return kind


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
    pay(client)
    deliver_due(timezone.now() + timedelta(seconds=6))

    intent = client.v1.payment_intents.retrieve(intent_id, params={"expand": ["latest_charge"]})
    with time_machine.travel(timezone.now() + timedelta(days=1), tick=True):
        shown: list[stripe.StripeObject] = [session, intent, *client.v1.payouts.list().data]
    shown += client.v1.checkout.sessions.list().data
    shown += client.v1.balance_transactions.list().data
    for event in Event.objects.all():
        sent = stripe.Event.construct_from(json.loads(event.body), "sk_test_alice")
        shown += [sent, sent.data.object]

    assert set(map(check, shown)) == NEEDED.keys()
    charge = intent.to_dict()["latest_charge"]
    assert "fingerprint" in charge["payment_method_details"]["card"]


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"colour": "red"}, ["colour"]),
        ({"expires_at": "1000"}, ["expires_at"]),
        ({"livemode": None}, ["livemode"]),
        ({"metadata": []}, ["metadata"]),
        ({"customer_details": {"email": 1}}, ["customer_details.email"]),
    ],
)
def test_the_check_sees_a_wrong_shape(
    session: stripe.checkout.Session, change: dict[str, Any], wrong: list[str]
) -> None:
    right = session.to_dict()

    odd = stripe.checkout.Session.construct_from(right | change, "sk_test_alice")
    del right["mode"]

    assert list(wrong_fields(odd)) == wrong
    with pytest.raises(AssertionError):
        check(stripe.checkout.Session.construct_from(right, "sk_test_alice"))
