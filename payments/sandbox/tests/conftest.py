"""Fixtures of the sandbox's tests: the sandbox over HTTP, the SDK, a webhook endpoint."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
import stripe

from payments.sandbox.models import Charge, CheckoutSession, Event
from payments.tests.fake_stripe import RecordingServer, recording

# Everything is committed, for the server's threads to see. Afterwards only the sandbox's own tables
# are emptied, which takes a tenth of the time that all tables take.
in_its_own_tables = pytest.mark.django_db(
    transaction=True, available_apps=["payments.sandbox", "django.contrib.staticfiles"]
)

SUCCESS_URL = "http://shop.test/paid?session={CHECKOUT_SESSION_ID}"
PAYING_CARD = {
    "email": "bob@example.com",
    "card_number": "4242 4242 4242 4242",
    "card_expiry": "12 / 34",
    "card_cvc": "123",
}


def new_session_parameters(amount: Any = 1000, **changes: Any) -> Any:
    """Return what the program sends to open a session."""
    names = {"payment_id": "17", "user_id": "4"}
    price = {
        "currency": "usd",
        "unit_amount": amount,
        "product_data": {"name": "Gatewayz credits"},
    }
    return {
        "mode": "payment",
        "line_items": [{"price_data": price, "quantity": 1}],
        "success_url": SUCCESS_URL,
        "cancel_url": "http://shop.test/cancelled",
        "client_reference_id": "4",
        "metadata": names,
        "payment_intent_data": {"metadata": names},
        **changes,
    }


def sdk(base_url: str, api_key: str = "sk_test_alice", **options: Any) -> stripe.StripeClient:
    """Return the official client, pointed at the sandbox."""
    return stripe.StripeClient(
        api_key,
        base_addresses={"api": base_url},
        http_client=stripe.RequestsClient(timeout=10),
        **options,
    )


@pytest.fixture
def sandbox(sandbox_address: str, transactional_db: None) -> str:
    """The server that all tests share, on tables that each finds empty."""
    # The program's tests leave rows here, which are committed on the server's connections.
    for model in (Event, CheckoutSession):
        model.objects.all().delete()
    return sandbox_address


@pytest.fixture
def client(sandbox: str) -> stripe.StripeClient:
    return sdk(sandbox)


@pytest.fixture
def session(client: stripe.StripeClient) -> stripe.checkout.Session:
    return client.v1.checkout.sessions.create(params=new_session_parameters())


def submit(session: stripe.checkout.Session, **changes: str) -> requests.Response:
    """Fill in the payment page and press the button, without following the redirect."""
    assert session.url is not None
    return requests.post(
        session.url, data={**PAYING_CARD, **changes}, timeout=10, allow_redirects=False
    )


def pay(client: stripe.StripeClient, card: str = "4242424242424242", amount: int = 1000) -> str:
    """Pay a new session by card; return the id of its charge."""
    opened = client.v1.checkout.sessions.create(params=new_session_parameters(amount))
    assert submit(opened, card_number=card).status_code == 303
    return Charge.objects.get(payment_intent__session__stripe_id=opened.id).stripe_id


def charge_shown(client: stripe.StripeClient, charge_id: str) -> tuple[int, bool, bool]:
    """Return what the API says of a charge: cents refunded, refunded in full, disputed."""
    intent_id = Charge.objects.get(stripe_id=charge_id).payment_intent.stripe_id
    intent = client.v1.payment_intents.retrieve(intent_id, params={"expand": ["latest_charge"]})
    charge = intent.to_dict()["latest_charge"]
    return charge["amount_refunded"], charge["refunded"], charge["disputed"]


def curl(sandbox: str, control: str, **fields: str) -> requests.Response:
    """Use a control of the sandbox, as `curl -d` does."""
    return requests.post(f"{sandbox}/sandbox/{control}", data=fields, timeout=10)


def event_types() -> list[str]:
    """Return the types of all events, oldest first."""
    return list(Event.objects.order_by("id").values_list("type", flat=True))


def events_since_payment() -> list[str]:
    """Return the types of the events after the first completed session."""
    types = event_types()
    return types[types.index("checkout.session.completed") + 1 :]


@pytest.fixture
def endpoint(settings: Any) -> Iterator[RecordingServer]:
    """A webhook endpoint."""
    with recording() as server:
        settings.STRIPE_SANDBOX_WEBHOOK_URL = f"{server.address}/hook"
        yield server
