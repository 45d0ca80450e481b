"""What the tests of refunds and disputes share: a charge that was paid, and its events."""

import stripe

from payments.sandbox.models import Charge, Event
from payments.sandbox.tests.conftest import new_session_parameters, submit


def pay(client: stripe.StripeClient, card: str = "4242424242424242", amount: int = 1000) -> str:
    """Pay a new session by card; return the id of its charge."""
    opened = client.v1.checkout.sessions.create(params=new_session_parameters(amount))
    assert submit(opened, card_number=card).status_code == 303
    return Charge.objects.get(payment_intent__session__stripe_id=opened.id).stripe_id


def events_since_payment() -> list[str]:
    """Return the types of the events after the one that completed the newest session."""
    types = list(Event.objects.order_by("-id").values_list("type", flat=True))
    return types[: types.index("checkout.session.completed")][::-1]


def told(client: stripe.StripeClient, charge_id: str) -> tuple[int, bool, bool]:
    """Return what a charge tells: cents refunded, wholly refunded, disputed."""
    charge = client.v1.charges.retrieve(charge_id)
    return charge.amount_refunded, charge.refunded, charge.disputed
