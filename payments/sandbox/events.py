"""Events: recorded in the transaction of what they tell, each with a delivery on its way."""

import json
from dataclasses import dataclass
from datetime import datetime

from payments.sandbox.identifiers import new_id
from payments.sandbox.models import Delivery, Event
from payments.sandbox.objects import API_VERSION, Json, timestamp


@dataclass(frozen=True)
class Cause:
    """The API request that made an event; both are None when no request did."""

    request_id: str | None = None
    idempotency_key: str | None = None


BY_ITSELF = Cause()


def record(event_type: str, subject: Json, *, now: datetime, cause: Cause = BY_ITSELF) -> Event:
    """Record that something happened to `subject` and send it off."""
    event_id = new_id("evt")
    told = {
        "id": event_id,
        "object": "event",
        "api_version": API_VERSION,
        "created": timestamp(now),
        "data": {"object": subject},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": cause.request_id, "idempotency_key": cause.idempotency_key},
        "type": event_type,
    }
    event = Event.objects.create(
        stripe_id=event_id, created_at=now, type=event_type, body=json.dumps(told, indent=2)
    )
    Delivery.objects.create(event=event, created_at=now, due_at=now)
    return event


def event_json(event: Event) -> Json:
    """Return an event as the API shows it: as sent, with the deliveries still to be made."""
    told: Json = json.loads(event.body)
    undelivered = event.deliveries.exclude(status=Delivery.Status.DELIVERED)
    return told | {"pending_webhooks": undelivered.count()}
