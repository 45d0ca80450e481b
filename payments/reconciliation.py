"""Compares our records with Stripe's, and processes what did not reach us."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import transaction

from accounts.transactions import retry_on_deadlock
from payments import inbox, settlement, stripe_gateway
from payments.event_payments import find_payment_named_in, is_of_ours
from payments.models import Payment, StripeEvent
from payments.outcomes import QuarantinedError
from payments.stripe_objects import CheckoutSession, UnexpectedObjectError, read_checkout_session


class Remedy(StrEnum):
    """How a difference is resolved."""

    PROCESS = "process the event"
    SETTLE = "settle the purchase"
    NONE = "none: investigate"


@dataclass(frozen=True)
class Difference:
    """Something that Stripe has and we do not; `stripe_object` is Stripe's JSON of it."""

    stripe_id: str
    difference: str
    remedy: Remedy
    stripe_object: Mapping[str, Any]


def differences(*, since: datetime) -> Iterator[Difference]:
    """Yield Stripe's events since then that we have not processed, then its unsettled sessions.

    Resolve each event before the next one is read: a session that its event has settled is then
    no difference. Raises StripeUnavailableError and StripeRefusedError.
    """
    yield from _missing_events(since)
    yield from _unsettled_sessions(since)


def resolve(difference: Difference, *, now: datetime) -> str:
    """Apply the remedy and return its outcome; resolving a difference again changes nothing."""
    if difference.remedy == Remedy.PROCESS:
        body = json.dumps(difference.stripe_object).encode()
        try:
            return inbox.receive(body, now=now).outcome
        except Exception:  # stored with the event, which the worker retries
            return StripeEvent.Outcome.FAILED
    if difference.remedy == Remedy.SETTLE:
        return _settle(difference.stripe_object, now=now)
    return ""


def _settle(session: Mapping[str, Any], *, now: datetime) -> str:
    try:
        settled = read_checkout_session(session)
        intent = settled.payment_intent_id
        paid_at = intent and stripe_gateway.paid_at(intent)
        return _settle_session(settled, paid_at=min(paid_at or now, now), now=now)
    except (QuarantinedError, UnexpectedObjectError) as refusal:
        return f"refused: {refusal}"


@retry_on_deadlock
@transaction.atomic
def _settle_session(session: CheckoutSession, *, paid_at: datetime, now: datetime) -> str:
    return settlement.settle_session(session, paid_at=paid_at, now=now).outcome


def _missing_events(since: datetime) -> Iterator[Difference]:
    """Yield the events that we did not receive or process, oldest first."""
    at_stripe = {
        event["id"]: event
        for event in stripe_gateway.list_events(types=list(inbox.HANDLERS), since=since)
    }
    known = StripeEvent.objects.filter(event_id__in=at_stripe, processed_at__isnull=False)
    for event_id in known.values_list("event_id", flat=True):
        del at_stripe[event_id]
    for event in reversed(at_stripe.values()):  # Stripe lists the newest event first
        yield Difference(event["id"], f"{event['type']} was not processed", Remedy.PROCESS, event)


def _unsettled_sessions(since: datetime) -> Iterator[Difference]:
    """Yield the paid sessions of ours that did not settle a payment."""
    for session in stripe_gateway.list_paid_sessions(since=since):
        if not is_of_ours(session):
            continue
        payment = find_payment_named_in(session)
        if payment is None:
            difference, remedy = "paid, but we have no such payment", Remedy.NONE
        elif payment.status != Payment.Status.PAID:
            difference = f"paid, but payment {payment.pk} is {payment.status}"
            remedy = Remedy.SETTLE
        else:
            continue
        yield Difference(session["id"], difference, remedy, session)
