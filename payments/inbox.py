"""The inbox of Stripe's events: each takes effect once, and is stored with its outcome.

`receive` runs the handler of the event's type in one transaction, which also stores the raw event
and its outcome: a crash leaves either nothing or all of it, and Stripe delivers the event again.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

import structlog
from django.conf import settings
from django.db import Error as AnyDatabaseError
from django.db import transaction

from accounts import audit, permissions
from accounts.models import User
from accounts.money import dollars_of_cents
from accounts.transactions import retry_on_deadlock
from payments import clawbacks, event_store, settlement
from payments.errors import PaymentError
from payments.event_payments import (
    find_payment_named_in,
    is_of_ours,
    may_be_ours,
    payments_by_event,
)
from payments.event_store import AlreadyProcessedError, Event
from payments.models import Payment, StripeEvent
from payments.outcomes import HandlerResult, QuarantinedError
from payments.stripe_objects import (
    UnexpectedObjectError,
    read_checkout_session,
    read_refund_or_dispute,
)

log = structlog.get_logger(__name__)

Outcome = StripeEvent.Outcome


class Handler(NamedTuple):
    """How to tell and read the event's object, what handles it, and its possible outcomes.

    An event of any type can also fail, be quarantined, or be ignored as another program's.
    """

    is_ours: Callable[[Mapping[str, Any]], bool]
    read: Callable[[Mapping[str, Any]], Any]
    handle: Callable[..., HandlerResult]
    outcomes: set[Outcome]


_CLOSING = {Outcome.CLOSED, Outcome.REPEATED}
_SETTLING = {Outcome.SETTLED, Outcome.REPEATED}
_TAKING_BACK = {Outcome.APPLIED, Outcome.DEFERRED}
_REFUND = Handler(may_be_ours, read_refund_or_dispute, clawbacks.apply_refund, _TAKING_BACK)
_DISPUTE = Handler(may_be_ours, read_refund_or_dispute, clawbacks.apply_dispute, _TAKING_BACK)

# Every event type that we handle (CONTRACT 5); any other is stored as ignored.
HANDLERS = {
    "checkout.session.completed": Handler(
        is_of_ours,
        read_checkout_session,
        settlement.complete_session,
        {Outcome.WAITING, *_SETTLING},
    ),
    "checkout.session.async_payment_succeeded": Handler(
        is_of_ours, read_checkout_session, settlement.confirm_payment, _SETTLING
    ),
    "checkout.session.async_payment_failed": Handler(
        is_of_ours, read_checkout_session, settlement.fail_payment, _CLOSING
    ),
    "checkout.session.expired": Handler(
        is_of_ours, read_checkout_session, settlement.expire_session, _CLOSING
    ),
    "refund.created": _REFUND,
    "refund.updated": _REFUND,
    "refund.failed": _REFUND,
    "charge.dispute.created": _DISPUTE,
    "charge.dispute.closed": _DISPUTE,
}
_HANDLER_OUTCOMES = set[Outcome]().union(*(handler.outcomes for handler in HANDLERS.values()))

BATCH_SIZE = 500
# Stripe shows its events for so long: a purchase that is unknown by then is none of ours.
DEFERRED_FOR = timedelta(days=30)


class Receipt(NamedTuple):
    """What became of an event."""

    event_id: str
    event_type: str
    outcome: str


def is_possible_outcome(event_type: str, outcome: str) -> bool:
    """Return whether an event of this type, which has a handler, can have this outcome."""
    return outcome not in _HANDLER_OUTCOMES or outcome in HANDLERS[event_type].outcomes


def receive(body: bytes, *, now: datetime) -> Receipt:
    """Process an event that arrives, unless it was processed already.

    An error is stored with the event and raised again, so that the webhook does not answer 200 and
    Stripe delivers the event again. Raises NotAnEventError.
    """
    return _process(event_store.read(body, received_at=now), now=now)


def attempt(event_id: str, *, now: datetime) -> StripeEvent:
    """Process a stored event without raising: an error is in the returned event's `last_error`."""
    if event := event_store.load(event_id, now=now):
        with suppress(Exception):
            _process(event, now=now)
    return StripeEvent.objects.get(event_id=event_id)


def due_for_retry(*, now: datetime) -> list[str]:
    """Return the ids of unprocessed events whose `retry_at` has come, at most BATCH_SIZE."""
    waiting = StripeEvent.objects.filter(processed_at=None, retry_at__lte=now)
    ids = waiting.order_by("retry_at", "pk").values_list("event_id", flat=True)
    return list(ids[:BATCH_SIZE])


def close_deferred(*, now: datetime) -> int:
    """Give the refunds and disputes that came before their purchase a last outcome; count them.

    Without a purchase they are ignored after DEFERRED_FOR. What they take back does not depend on
    it: a purchase that settles later still finds them.
    """
    count = last = 0
    deferred = StripeEvent.objects.filter(outcome=Outcome.DEFERRED)
    while batch := list(deferred.filter(pk__gt=last).order_by("pk")[:BATCH_SIZE]):
        last = batch[-1].pk
        payments = payments_by_event(batch)
        for event in batch:
            payment = payments.get(event.pk)
            if payment and payment.status == Payment.Status.PAID:
                end = {"outcome": Outcome.APPLIED, "reason": "when its purchase settled"}
            elif event.received_at < now - DEFERRED_FOR:
                payment, reason = None, "no purchase of ours settled: it is another program's"
                end = {"outcome": Outcome.IGNORED, "reason": reason}
            else:
                continue
            count += deferred.filter(pk=event.pk).update(payment=payment, **end)
    return count


def replay(event_id: str, *, by: User | None, reason: str, now: datetime) -> StripeEvent:
    """Process a failed, quarantined or ignored event again; any other event stays unchanged.

    The audit log gets two entries: the request, committed before the attempt so that it survives
    a crash, and the result. `by` is None for the command line.

    Raises PermissionMissingError, StripeEvent.DoesNotExist and ReasonMissingError.
    """
    permissions.require("payments.replay_event", by=by)
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


class NotQuarantinedError(PaymentError):
    """Only an event that is quarantined waits for somebody to resolve it."""


@transaction.atomic
def resolve(event_id: str, *, by: User | None, reason: str, now: datetime) -> StripeEvent:
    """Close a quarantined event without any effect; a repeated call changes nothing.

    What the person is owed is an adjustment. Raises PermissionMissingError,
    StripeEvent.DoesNotExist, NotQuarantinedError and ReasonMissingError.
    """
    permissions.require("payments.replay_event", by=by)
    event = StripeEvent.objects.select_for_update(no_key=True).get(event_id=event_id)
    if event.outcome == Outcome.RESOLVED:
        return event
    if event.outcome != Outcome.QUARANTINED:
        raise NotQuarantinedError(f"{event} is {event.outcome}, and not quarantined")
    audit.record(
        by=by,
        action="resolve event",
        target=event,
        reason=reason,
        before=_audit_state(event),
        after={"outcome": Outcome.RESOLVED},
        now=now,
    )
    event.outcome = Outcome.RESOLVED
    event.save(update_fields=["outcome"])
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


def _process(event: Event, *, now: datetime) -> Receipt:
    try:
        outcome = _apply(event, now=now)
    except AlreadyProcessedError:
        outcome = StripeEvent.objects.values_list("outcome", flat=True).get(event_id=event.event_id)
    except Exception as error:
        # The transaction is rolled back by now, so the error is stored in one of its own. Whoever
        # catches it logs the traceback.
        log.warning("event_failed", event_id=event.event_id, error=repr(error))
        try:
            event_store.store_failure(event, error, now=now)
        except AnyDatabaseError:
            # The database is unreachable, or another delivery works on it. Stripe delivers again.
            log.warning("failure_not_recorded", event_id=event.event_id)
        raise
    return Receipt(event.event_id, event.event_type, outcome)


@retry_on_deadlock
def _apply(event: Event, *, now: datetime) -> str:
    """Process the event in one transaction, and return its outcome."""
    try:
        with transaction.atomic():
            return _handle(event, now=now)
    except QuarantinedError as refusal:
        # Everything that the handler did is rolled back by now.
        log.warning("event_quarantined", event_id=event.event_id, reason=str(refusal))
        payment = find_payment_named_in(event.subject)
        event_store.store(
            event,
            Outcome.QUARANTINED,
            reason=str(refusal),
            payment_id=payment.pk if payment else None,
            now=now,
        )
        return Outcome.QUARANTINED


def _handle(event: Event, *, now: datetime) -> str:
    handler = HANDLERS.get(event.event_type)
    if handler is None:
        event_store.store(event, Outcome.IGNORED, payment_id=None, now=now)
        return Outcome.IGNORED
    # A test-mode event must never credit real money, nor the other way round.
    livemode = event.envelope.get("livemode")
    if livemode is not settings.STRIPE_LIVEMODE:
        raise QuarantinedError(f"livemode is {livemode!r}, which is not ours")
    if not event.subject:
        raise QuarantinedError("the event has no data.object")
    if not handler.is_ours(event.subject):
        reason = "the purchase is another program's"
        event_store.store(event, Outcome.IGNORED, reason=reason, payment_id=None, now=now)
        return Outcome.IGNORED
    try:
        subject = handler.read(event.subject)
    except UnexpectedObjectError as error:
        raise QuarantinedError(f"unexpected object: {error}") from error
    result = handler.handle(subject, event, now=now)
    if not result.is_stored:
        event_store.store(
            event, result.outcome, reason=result.reason, payment_id=result.payment_id, now=now
        )
    return result.outcome
