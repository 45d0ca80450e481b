"""The inbox of Stripe's events: each is stored as it arrived and takes effect once.

`webhook.receive` calls `record`, then `process`. `record` commits the raw event. `process` runs the
handler of the event's type in one transaction, together with the event's outcome: a crash leaves
either no change at all or all of it.
"""

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

import structlog
from django.conf import settings
from django.db import Error as AnyDatabaseError
from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.money import dollars_of_cents
from accounts.transactions import retry_on_deadlock
from payments import clawbacks, settlement
from payments.errors import PaymentError
from payments.event_payments import find_payment_of
from payments.models import StripeEvent
from payments.outcomes import HandlerResult, QuarantinedError
from payments.stripe_gateway import (
    UnexpectedObjectError,
    read_checkout_session,
    read_refund_or_dispute,
)

log = structlog.get_logger(__name__)

Outcome = StripeEvent.Outcome


class Handler(NamedTuple):
    """How to read the event's object, which function handles it, and its possible outcomes.

    An event of any type can also fail, or be quarantined.
    """

    read: Callable[[Mapping[str, Any]], Any]
    handle: Callable[..., HandlerResult]
    outcomes: set[Outcome]


_CLOSING = {Outcome.CLOSED, Outcome.REPEATED}
_SETTLING = {Outcome.SETTLED, Outcome.REPEATED}
_TAKING_BACK = {Outcome.APPLIED, Outcome.DEFERRED}
_REFUND = Handler(read_refund_or_dispute, clawbacks.apply_refund, _TAKING_BACK)
_DISPUTE = Handler(read_refund_or_dispute, clawbacks.apply_dispute, _TAKING_BACK)

# Every event type that we handle (CONTRACT 5); any other is stored as ignored.
HANDLERS = {
    "checkout.session.completed": Handler(
        read_checkout_session, settlement.complete_session, {Outcome.WAITING, *_SETTLING}
    ),
    "checkout.session.async_payment_succeeded": Handler(
        read_checkout_session, settlement.confirm_payment, _SETTLING
    ),
    "checkout.session.async_payment_failed": Handler(
        read_checkout_session, settlement.fail_payment, _CLOSING
    ),
    "checkout.session.expired": Handler(read_checkout_session, settlement.expire_session, _CLOSING),
    "refund.created": _REFUND,
    "refund.updated": _REFUND,
    "refund.failed": _REFUND,
    "charge.dispute.created": _DISPUTE,
    "charge.dispute.closed": _DISPUTE,
}
_HANDLER_OUTCOMES = set[Outcome]().union(*(handler.outcomes for handler in HANDLERS.values()))

_EVENT_ID = re.compile(r"[A-Za-z0-9_]{1,255}", re.ASCII)
_EVENT_TYPE = re.compile(r"[a-z0-9_.]{1,100}", re.ASCII)
# Stripe retries by itself, at growing intervals, for three days. Our worker does not wait for it.
RETRY_AFTER = timedelta(minutes=5)
MAX_RETRY_DELAY = timedelta(hours=6)
BATCH_SIZE = 500


def is_possible_outcome(event_type: str, outcome: str) -> bool:
    """Return whether an event of this type, which has a handler, can have this outcome."""
    return outcome not in _HANDLER_OUTCOMES or outcome in HANDLERS[event_type].outcomes


class NotAnEventError(PaymentError):
    """The body is signed, but it is not a Stripe event."""


def record(body: bytes, *, now: datetime) -> str:
    """Store the event as it arrived, unless it is stored already, and return its id.

    Raises NotAnEventError.
    """
    event_id, event_type = _read_envelope(body)
    event = StripeEvent(
        event_id=event_id,
        event_type=event_type,
        body=body,
        received_at=now,
        retry_at=now + RETRY_AFTER,
    )
    # Insert and ignore the conflict: of two simultaneous deliveries both would see no row.
    StripeEvent.objects.bulk_create([event], ignore_conflicts=True)
    return event_id


def _read_envelope(body: bytes) -> tuple[str, str]:
    try:
        event = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotAnEventError("the body is not JSON") from error
    if not isinstance(event, dict):
        raise NotAnEventError("the body is not a JSON object")
    event_id, event_type = event.get("id"), event.get("type")
    if not isinstance(event_id, str) or not _EVENT_ID.fullmatch(event_id):
        raise NotAnEventError("the event has no id")
    if not isinstance(event_type, str) or not _EVENT_TYPE.fullmatch(event_type):
        raise NotAnEventError("the event has no type")
    return event_id, event_type


def process(event_id: str, *, now: datetime) -> StripeEvent:
    """Apply a stored event in one transaction, unless it was processed already.

    An error is saved on the event and raised again, so that the webhook does not answer 200 and
    Stripe delivers the event again.
    """
    try:
        return _process(event_id, now=now)
    except Exception as error:
        # The transaction is rolled back by now, so the error needs a transaction of its own.
        _record_failure(event_id, error, now=now)
        raise


def attempt(event_id: str, *, now: datetime) -> StripeEvent:
    """Process an event without raising: an error is in the returned event's `last_error`."""
    with suppress(Exception):
        return process(event_id, now=now)
    return StripeEvent.objects.get(event_id=event_id)


def due_for_retry(*, now: datetime) -> list[str]:
    """Return the ids of unprocessed events whose `retry_at` has come, at most BATCH_SIZE."""
    waiting = StripeEvent.objects.filter(processed_at=None, retry_at__lte=now)
    ids = waiting.order_by("retry_at", "pk").values_list("event_id", flat=True)
    return list(ids[:BATCH_SIZE])


def replay(event_id: str, *, by: User | None, reason: str, now: datetime) -> StripeEvent:
    """Process a failed, quarantined or ignored event again; any other event stays unchanged.

    The audit log gets two entries: the request, committed before the attempt so that it survives
    a crash, and the result. `by` is None for the command line.

    Raises StripeEvent.DoesNotExist and ReasonMissingError.
    """
    with transaction.atomic():
        event = StripeEvent.objects.select_for_update(no_key=True).get(event_id=event_id)
        if event.is_done:
            return event
        before = _audit_state(event)
        event.outcome, event.processed_at, event.retry_at = Outcome.RECEIVED, None, now
        event.save(update_fields=["outcome", "processed_at", "retry_at"])
        record_audit = partial(audit.record, target=event, by=by, reason=reason, now=now)
        record_audit(action="replay event", before=before, after={"outcome": event.outcome})
    event = attempt(event_id, now=now)
    result = _audit_result(event)
    record_audit(action="event replayed", before={"outcome": Outcome.RECEIVED}, after=result)
    return event


def _audit_state(event: StripeEvent) -> dict[str, str]:
    state = {"outcome": event.outcome, "reason": event.reason, "error": event.last_error}
    return {name: value for name, value in state.items() if value}


def _audit_result(event: StripeEvent) -> dict[str, str]:
    """Return the event's new state, and the amount that the purchase credited, without bonus."""
    result = _audit_state(event)
    if event.payment and event.outcome == Outcome.SETTLED:
        result["credited"] = dollars_of_cents(event.payment.amount)
    return result


@retry_on_deadlock
def _process(event_id: str, *, now: datetime) -> StripeEvent:
    try:
        with transaction.atomic():
            return _handle(event_id, now=now)
    except QuarantinedError as refusal:
        # Everything that the handler did is rolled back by now.
        return _quarantine(event_id, str(refusal), now=now)


def _handle(event_id: str, *, now: datetime) -> StripeEvent:
    # Race: two deliveries of one event. The row lock makes the second one wait until the first
    # one commits; then it sees `processed_at`. First of the locks, see settlement.
    event = StripeEvent.objects.select_for_update(no_key=True).get(event_id=event_id)
    if event.processed_at:
        return event
    if event.event_type not in HANDLERS:
        return _finish(event, Outcome.IGNORED, now=now)
    handler = HANDLERS[event.event_type]
    try:
        subject = handler.read(_event_object(event))
    except UnexpectedObjectError as error:
        raise QuarantinedError(f"unexpected object: {error}") from error
    result = handler.handle(subject, now=now)
    event.payment = result.payment
    return _finish(event, result.outcome, reason=result.reason, now=now)


def _event_object(event: StripeEvent) -> dict[str, Any]:
    """Return the event's `data.object`. Raises QuarantinedError."""
    envelope = event.parsed()
    # A test-mode event must never credit real money, nor the other way round.
    if envelope.get("livemode") is not settings.STRIPE_LIVEMODE:
        raise QuarantinedError(f"livemode is {envelope.get('livemode')!r}, which is not ours")
    data = envelope.get("data")
    found = data.get("object") if isinstance(data, dict) else None
    if not isinstance(found, dict):
        raise QuarantinedError("the event has no data.object")
    return found


def _finish(
    event: StripeEvent, outcome: StripeEvent.Outcome, *, now: datetime, reason: str = ""
) -> StripeEvent:
    event.outcome = outcome
    event.reason = reason[:500]
    event.attempts += 1
    event.last_error = ""
    event.processed_at = now
    event.save(
        update_fields=["outcome", "reason", "attempts", "last_error", "processed_at", "payment"]
    )
    return event


@transaction.atomic
def _quarantine(event_id: str, reason: str, *, now: datetime) -> StripeEvent:
    event = StripeEvent.objects.select_for_update(no_key=True).get(event_id=event_id)
    # Race: after our rollback another delivery may have processed the event.
    if event.processed_at:
        return event
    log.warning("event_quarantined", event_id=event_id, reason=reason)
    event.payment = find_payment_of(event)
    return _finish(event, Outcome.QUARANTINED, reason=reason, now=now)


def _record_failure(event_id: str, error: Exception, *, now: datetime) -> None:
    """Save the error on the event; the delay before the next retry doubles with each failure."""
    log.error("event_failed", event_id=event_id, error=repr(error))
    try:
        with transaction.atomic():
            unprocessed = StripeEvent.objects.select_for_update(no_key=True)
            # None: another delivery has processed it in the meantime.
            event = unprocessed.filter(event_id=event_id, processed_at=None).first()
            if event is None:
                return
            event.outcome = Outcome.FAILED
            event.attempts += 1
            event.last_error = repr(error)[:2000]
            delay = min(RETRY_AFTER * 2 ** min(event.attempts, 10), MAX_RETRY_DELAY)
            event.retry_at = now + delay
            event.save(update_fields=["outcome", "attempts", "last_error", "retry_at"])
    except AnyDatabaseError:
        # The database is unreachable. The event stays unprocessed, so the worker retries it; the
        # caller still raises the original error.
        log.warning("failure_not_recorded", event_id=event_id)
