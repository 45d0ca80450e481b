"""Reads the envelope of Stripe's events, and stores each with its outcome, once."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F

from accounts import prepared
from payments.errors import PaymentError
from payments.event_payments import object_of
from payments.models import StripeEvent
from payments.outcomes import QuarantinedError

Outcome = StripeEvent.Outcome

_EVENT_ID = re.compile(r"[A-Za-z0-9_]{1,255}", re.ASCII)
# As Stripe may spell it: with capitals, or brackets as in `v2.core.account[requirements].updated`.
_EVENT_TYPE = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
# Stripe retries by itself, at growing intervals, for three days. Our worker does not wait for it.
RETRY_AFTER = timedelta(minutes=5)
MAX_RETRY_DELAY = timedelta(hours=6)


class NotAnEventError(PaymentError):
    """The body is signed, but it is not a Stripe event."""


@dataclass(frozen=True)
class Event:
    """An authentic event, as it arrived."""

    event_id: str
    event_type: str
    body: bytes
    received_at: datetime
    envelope: Mapping[str, Any]
    # The attempt to process it is counted in the stored row.
    is_counted: bool = False

    @property
    def subject(self) -> Mapping[str, Any]:
        """The event's `data.object`; empty when there is none."""
        return object_of(self.envelope)

    @property
    def created_at(self) -> datetime:
        """When it happened, by Stripe's clock, and never after we received it (CONTRACT 2.3).

        Raises QuarantinedError.
        """
        seconds = self.envelope.get("created")
        if type(seconds) is not int or seconds < 0:  # not isinstance: True is an int
            raise QuarantinedError(f"created is {seconds!r}, and not a time")
        received = self.received_at.timestamp()
        return self.received_at if seconds >= received else datetime.fromtimestamp(seconds, UTC)


def read(body: bytes, *, received_at: datetime) -> Event:
    """Read an event that arrives. Raises NotAnEventError."""
    try:
        envelope = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotAnEventError("the body is not JSON") from error
    if not isinstance(envelope, dict):
        raise NotAnEventError("the body is not a JSON object")
    event_id, event_type = envelope.get("id"), envelope.get("type")
    if not isinstance(event_id, str) or not _EVENT_ID.fullmatch(event_id):
        raise NotAnEventError("the event has no id")
    if not isinstance(event_type, str) or not _EVENT_TYPE.fullmatch(event_type):
        raise NotAnEventError("the event has no type")
    return Event(event_id, event_type, body, received_at, envelope)


# A common table expression for a statement's WITH. Race: two deliveries of one event. The second
# waits here until the first one commits; the row is processed then, and `stored` stays empty. So
# the transaction must be undone when it is empty. Last of the locks, see settlement.
STORED = """
stored AS (
    INSERT INTO stripe_events AS known
        (event_id, event_type, body, received_at, retry_at, attempts,
         outcome, reason, last_error, processed_at, payment_id)
    SELECT %(event_id)s::text, %(event_type)s::text, %(body)s::bytea, %(received_at)s::timestamptz,
           %(now)s::timestamptz, 1, %(outcome)s::text, %(reason)s::text, '',
           %(now)s::timestamptz, %(payment_id)s::bigint
    WHERE %(event_id)s::text IS NOT NULL
    ON CONFLICT (event_id) DO UPDATE SET
        attempts = known.attempts + %(uncounted)s::integer, last_error = '',
        event_type = excluded.event_type, body = excluded.body,
        received_at = excluded.received_at,
        outcome = excluded.outcome, reason = excluded.reason,
        processed_at = excluded.processed_at, payment_id = excluded.payment_id
    WHERE known.processed_at IS NULL
    RETURNING id
)"""
_STORE = f"WITH {STORED} SELECT FROM stored"


class AlreadyProcessedError(PaymentError):
    """Another delivery of the event has processed it meanwhile."""


def stored_params(
    event: Event | None, outcome: str, *, reason: str = "", payment_id: int | None, now: datetime
) -> dict[str, Any]:
    """Return the parameters of `STORED`; without an event nothing is stored."""
    return {
        "event_id": event and event.event_id,
        "event_type": event and event.event_type,
        "body": event and event.body,
        "received_at": event and event.received_at,
        "uncounted": 0 if event and event.is_counted else 1,
        "outcome": outcome,
        "reason": reason[:500],
        "payment_id": payment_id,
        "now": now,
    }


def store(
    event: Event, outcome: Outcome, *, reason: str = "", payment_id: int | None, now: datetime
) -> None:
    """Store a processed event with its outcome. Raises AlreadyProcessedError."""
    params = stored_params(event, outcome, reason=reason, payment_id=payment_id, now=now)
    if not prepared.fetch(_STORE, params):
        raise AlreadyProcessedError(event.event_id)


def load(event_id: str, *, now: datetime) -> Event | None:
    """Return a stored event to be processed, after counting the attempt; None if it is processed.

    The attempt is committed before the work: an event that kills whoever works on it waits longer
    each time, while others go first. Raises StripeEvent.DoesNotExist.
    """
    row = StripeEvent.objects.get(event_id=event_id)
    counted = StripeEvent.objects.filter(pk=row.pk, processed_at=None).update(
        attempts=F("attempts") + 1, retry_at=now + _delay(row.attempts + 1)
    )
    if not counted:
        return None
    event = read(bytes(row.body), received_at=row.received_at)
    return replace(event, is_counted=True)


def store_failure(event: Event, error: Exception, *, now: datetime) -> None:
    """Store an event whose processing failed, to be retried, unless it is processed by now."""
    row = StripeEvent(
        event_id=event.event_id,
        event_type=event.event_type,
        body=event.body,
        received_at=event.received_at,
        retry_at=now,
    )
    with transaction.atomic():
        # The caller may have waited for a lock already. Whoever has this row stores an outcome.
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '100ms'")
        StripeEvent.objects.bulk_create([row], ignore_conflicts=True)
        unprocessed = StripeEvent.objects.select_for_update(no_key=True).filter(processed_at=None)
        failed = unprocessed.filter(event_id=event.event_id).first()
        if failed is None:
            return
        if not event.is_counted:
            failed.attempts += 1
        failed.retry_at = now + _delay(failed.attempts)
        failed.outcome, failed.last_error = Outcome.FAILED, repr(error)[:2000]
        failed.save(update_fields=["outcome", "attempts", "last_error", "retry_at"])


def _delay(attempts: int) -> timedelta:
    """Return the time until the next retry: twice as long after each attempt."""
    factor: int = 2 ** min(attempts, 10)
    return min(RETRY_AFTER * factor, MAX_RETRY_DELAY)
