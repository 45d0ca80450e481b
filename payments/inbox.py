"""The inbox of Stripe's events: each is kept as it came and worked on once, whatever fails."""

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
from payments.event_subjects import payment_of
from payments.models import StripeEvent
from payments.outcomes import Handled, QuarantinedError
from payments.stripe_gateway import UnexpectedObjectError, read_checkout_session, read_claim

log = structlog.get_logger(__name__)

Outcome = StripeEvent.Outcome


class Handler(NamedTuple):
    """How to read the object that an event is about, what to do with it, and what can come of it.

    Apart from that, an event of any type can fail, or be put aside.
    """

    read: Callable[[Mapping[str, Any]], Any]
    handle: Callable[..., Handled]
    outcomes: set[Outcome]


_CLOSING = {Outcome.CLOSED, Outcome.REPEATED}
_SETTLING = {Outcome.SETTLED, Outcome.REPEATED}
_REFUND = Handler(read_claim, clawbacks.note_refund, {Outcome.APPLIED, Outcome.DEFERRED})
_DISPUTE = Handler(read_claim, clawbacks.note_dispute, {Outcome.APPLIED, Outcome.DEFERRED})

# Every type of event that means something to us; all others are stored as ignored.
HANDLERS = {
    "checkout.session.completed": Handler(
        read_checkout_session, settlement.complete, {Outcome.WAITING, *_SETTLING}
    ),
    "checkout.session.async_payment_succeeded": Handler(
        read_checkout_session, settlement.confirm, _SETTLING
    ),
    "checkout.session.async_payment_failed": Handler(
        read_checkout_session, settlement.fail, _CLOSING
    ),
    "checkout.session.expired": Handler(read_checkout_session, settlement.expire, _CLOSING),
    "refund.created": _REFUND,
    "refund.updated": _REFUND,
    "refund.failed": _REFUND,
    "charge.dispute.created": _DISPUTE,
    "charge.dispute.closed": _DISPUTE,
}
_HANDLED = set[Outcome]().union(*(handler.outcomes for handler in HANDLERS.values()))


_EVENT_ID = re.compile(r"[A-Za-z0-9_]{1,255}", re.ASCII)
_EVENT_TYPE = re.compile(r"[a-z0-9_.]{1,100}", re.ASCII)
# Stripe itself delivers again within the hour; this is for when it does not, or gave up.
RETRY_AFTER = timedelta(minutes=5)
LONGEST_PAUSE = timedelta(hours=6)
AT_A_TIME = 500


def can_become(event_type: str, outcome: str) -> bool:
    """Tell whether an event of a type that we handle can have this outcome."""
    return outcome not in _HANDLED or outcome in HANDLERS[event_type].outcomes


class NotAnEventError(ValueError):
    """The body is signed, but is no event of Stripe's."""


def record(body: bytes, *, now: datetime) -> str:
    """Keep the event as it came and return its id; one that is known is not stored again.

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
    """Do what the recorded event asks for, in one transaction, unless that is done already.

    Any error is recorded on the event and raised again, so that Stripe delivers again.
    """
    try:
        return _process(event_id, now=now)
    except Exception as error:  # whatever it is: nothing is swallowed, the caller gets it too
        _record_failure(event_id, error, now=now)
        raise


def attempt(event_id: str, *, now: datetime) -> StripeEvent:
    """Process, and return the event either way: an error is then its outcome and `last_error`."""
    with suppress(Exception):
        return process(event_id, now=now)
    return StripeEvent.objects.get(event_id=event_id)


def due(*, now: datetime) -> list[str]:
    """Return the ids of events that were left unprocessed and are to be attempted again."""
    waiting = StripeEvent.objects.filter(processed_at=None, retry_at__lte=now)
    ids = waiting.order_by("retry_at", "pk").values_list("event_id", flat=True)
    return list(ids[:AT_A_TIME])


def replay(event_id: str, *, by: User | None, reason: str, now: datetime) -> StripeEvent:
    """Attempt an event again that failed or was put aside; what has been done stays as it is.

    The request is recorded first, so that it is known even if the process dies; the result is
    recorded after. `by` is None for the command line.

    Raises StripeEvent.DoesNotExist and ReasonMissingError.
    """
    with transaction.atomic():
        event = StripeEvent.objects.select_for_update(no_key=True).get(event_id=event_id)
        if event.is_done:
            return event
        before = _state_of(event)
        event.outcome, event.processed_at, event.retry_at = Outcome.RECEIVED, None, now
        event.save(update_fields=["outcome", "processed_at", "retry_at"])
        record_audit = partial(audit.record, target=event, by=by, reason=reason, now=now)
        record_audit(action="replay event", before=before, after={"outcome": event.outcome})
    event = attempt(event_id, now=now)
    result = _result_of(event)
    record_audit(action="event replayed", before={"outcome": Outcome.RECEIVED}, after=result)
    return event


def _state_of(event: StripeEvent) -> dict[str, str]:
    state = {"outcome": event.outcome, "reason": event.reason, "error": event.last_error}
    return {name: value for name, value in state.items() if value}


def _result_of(event: StripeEvent) -> dict[str, str]:
    """Return the result of an attempt, and how much the purchase credited, without the bonus."""
    settled = event.payment if event.outcome == Outcome.SETTLED else None
    credited = {"credited": dollars_of_cents(settled.amount)} if settled else {}
    return {**_state_of(event), **credited}


@retry_on_deadlock
def _process(event_id: str, *, now: datetime) -> StripeEvent:
    try:
        with transaction.atomic():
            return _handle(event_id, now=now)
    except QuarantinedError as refusal:
        # What the handler did is rolled back by now; only the refusal is kept.
        return _quarantine(event_id, str(refusal), now=now)


def _handle(event_id: str, *, now: datetime) -> StripeEvent:
    # The row lock makes a second delivery of this event wait, and then see `processed_at`.
    event = StripeEvent.objects.select_for_update(no_key=True).get(event_id=event_id)
    if event.processed_at:
        return event
    if event.event_type not in HANDLERS:
        return _finish(event, Outcome.IGNORED, now=now)
    handler = HANDLERS[event.event_type]
    try:
        subject = handler.read(_object(event))
    except UnexpectedObjectError as error:
        raise QuarantinedError(f"not the object that we know: {error}") from error
    done = handler.handle(subject, now=now)
    event.payment = done.payment
    return _finish(event, done.outcome, reason=done.reason, now=now)


def _object(event: StripeEvent) -> dict[str, Any]:
    """Return what the event is about. Raises QuarantinedError."""
    envelope = event.parsed()
    if envelope.get("livemode") is not settings.STRIPE_LIVEMODE:
        raise QuarantinedError(f"livemode is {envelope.get('livemode')!r}, not ours")
    data = envelope.get("data")
    found = data.get("object") if isinstance(data, dict) else None
    if not isinstance(found, dict):
        raise QuarantinedError("the event holds no object")
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
    if event.processed_at:
        return event
    log.warning("event_quarantined", event_id=event_id, reason=reason)
    event.payment = payment_of(event)
    return _finish(event, Outcome.QUARANTINED, reason=reason, now=now)


def _record_failure(event_id: str, error: Exception, *, now: datetime) -> None:
    """Keep the error on the event, in a transaction of its own; each failure waits longer."""
    log.error("event_failed", event_id=event_id, error=repr(error))
    try:
        with transaction.atomic():
            unprocessed = StripeEvent.objects.select_for_update(no_key=True)
            event = unprocessed.filter(event_id=event_id, processed_at=None).first()
            if event is None:
                return
            event.outcome = Outcome.FAILED
            event.attempts += 1
            event.last_error = repr(error)[:2000]
            pause = min(RETRY_AFTER * 2 ** min(event.attempts, 10), LONGEST_PAUSE)
            event.retry_at = now + pause
            event.save(update_fields=["outcome", "attempts", "last_error", "retry_at"])
    except AnyDatabaseError:
        # The database is away: the event stays unprocessed, and the worker attempts it again.
        log.warning("failure_not_recorded", event_id=event_id)
