"""Makes what a history of events tells of: sessions, charges, refunds and disputes of the past.

Nothing of it is delivered: whoever has the history knows it already.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from payments.sandbox import events
from payments.sandbox.models import (
    Charge,
    CheckoutSession,
    Dispute,
    Event,
    PaymentIntent,
    Refund,
)
from payments.sandbox.payment_methods import TEST_CARDS, CaseType

Json = dict[str, Any]


@transaction.atomic
def load(history: Iterable[str]) -> int:
    """Make what these events tell of, the oldest first; return how many there were."""
    count = 0
    for body in history:
        event = json.loads(body)
        now = datetime.fromtimestamp(event["created"], UTC)
        kind, subject = event["type"], event["data"]["object"]
        Event.objects.create(stripe_id=event["id"], created_at=now, type=kind, body=body)
        _TELLING[subject["object"]](kind, subject, now)
        count += 1
    return count


def _session(kind: str, subject: Json, now: datetime) -> None:
    state = {
        "status": "expired" if kind.endswith(".expired") else "complete",
        "payment_status": subject["payment_status"],
    }
    made = {
        "created_at": now,
        "amount_total": subject["amount_total"],
        "product_name": "Credits",
        "metadata": subject["metadata"],
        "payment_intent_metadata": subject["metadata"],
        "expires_at": datetime.fromtimestamp(subject["expires_at"], UTC),
    }
    session, _ = CheckoutSession.objects.update_or_create(
        stripe_id=subject["id"], defaults=state, create_defaults=state | made
    )
    if session.payment_status == "paid":
        _charge(session, subject["payment_intent"], now)


def _charge(session: CheckoutSession, intent_id: str, now: datetime) -> None:
    """Charge the session once, by a card that nobody else has."""
    intent, is_new = PaymentIntent.objects.get_or_create(
        session=session,
        defaults={"stripe_id": intent_id, "created_at": now, "status": "succeeded"},
    )
    if not is_new:
        return
    details = TEST_CARDS[0].details
    details["card"]["fingerprint"] = hashlib.sha256(intent_id.encode()).hexdigest()[:16]
    charge = Charge.objects.create(
        stripe_id=intent_id.replace("pi_", "ch_", 1),
        created_at=now,
        payment_intent=intent,
        status=Charge.Status.SUCCEEDED,
        payment_method_details=details,
    )
    events.write("charge.succeeded", charge, now)


def _refund(kind: str, subject: Json, now: datetime) -> None:
    _money_back(Refund, subject, now)


def _dispute(kind: str, subject: Json, now: datetime) -> None:
    dispute, is_new = _money_back(Dispute, subject, now, case_type=CaseType.CHARGEBACK)
    if is_new:
        events.write("charge.dispute.funds_withdrawn", dispute, now)
    elif dispute.status == Dispute.Status.WON:
        events.write("charge.dispute.funds_reinstated", dispute, now)


def _money_back(
    model: type[Refund] | type[Dispute], subject: Json, now: datetime, **made: str
) -> tuple[Any, bool]:
    """Make a refund or a dispute, or update its status; return it, and whether it is new."""
    charge = Charge.objects.get(payment_intent__stripe_id=subject["payment_intent"])
    state = {"status": subject["status"]}
    amount = {"created_at": now, "charge": charge, "amount": subject["amount"]}
    return model._default_manager.update_or_create(
        stripe_id=subject["id"], defaults=state, create_defaults=state | amount | made
    )


_TELLING: dict[str, Callable[[str, Json, datetime], None]] = {
    "checkout.session": _session,
    "refund": _refund,
    "dispute": _dispute,
}
