"""Events: each is written in the transaction of the change that it reports."""

import json
from datetime import datetime

from payments.sandbox.models import Delivery, Event, StripeModel
from payments.sandbox.objects import API_VERSION, Json, as_json, timestamp
from payments.sandbox.stripe_ids import new_id


def record(event_type: str, subject: StripeModel, now: datetime) -> None:
    """Record what happened to `subject`, with a delivery that is due now."""
    body = envelope(event_type, subject, now)
    event = Event.objects.create(
        stripe_id=body["id"], created_at=now, type=event_type, body=json.dumps(body, indent=2)
    )
    Delivery.objects.create(event=event, created_at=now, due_at=now)


def envelope(event_type: str, subject: StripeModel, now: datetime) -> Json:
    """Return an event about `subject` as it is now."""
    return {
        "id": new_id("evt"),
        "object": "event",
        "api_version": API_VERSION,
        "created": timestamp(now),
        "data": {"object": as_json(subject)},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": event_type,
    }
