"""Holds our books against Stripe's, and makes up for whatever never reached us."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from payments import inbox, settlement, stripe_gateway
from payments.handling import QuarantinedError
from payments.models import Payment, StripeEvent
from payments.stripe_gateway import UnexpectedObjectError, read_checkout_session


@dataclass(frozen=True)
class Difference:
    """Something that Stripe has and we have not; `remedy` says what making up for it does."""

    stripe_id: str
    what: str
    remedy: str
    outcome: str = ""


def differences(*, since: datetime, now: datetime, apply: bool) -> Iterator[Difference]:
    """Go through Stripe's events and paid sessions since then; with `apply`, make up for each.

    Applied twice, the second time there is nothing left to do. Raises StripeUnavailableError and
    StripeRefusedError.
    """
    yield from _missing_events(since=since, now=now, apply=apply)
    yield from _unsettled_sessions(since=since, now=now, apply=apply)


def _missing_events(*, since: datetime, now: datetime, apply: bool) -> Iterator[Difference]:
    """Yield the events that never came, oldest first."""
    at_stripe = {
        event["id"]: event
        for event in stripe_gateway.events(types=list(inbox.HANDLERS), since=since)
    }
    known = StripeEvent.objects.filter(event_id__in=at_stripe, processed_at__isnull=False)
    for event_id in known.values_list("event_id", flat=True):
        del at_stripe[event_id]
    oldest_first = list(reversed(at_stripe.values()))  # Stripe lists the newest first
    for event in oldest_first:
        outcome = _take_in(event, now=now) if apply else ""
        yield Difference(event["id"], f"{event['type']} was not processed", "process it", outcome)


def _take_in(event: Mapping[str, Any], *, now: datetime) -> str:
    event_id = inbox.record(json.dumps(event).encode(), now=now)
    return inbox.attempt(event_id, now=now).outcome


def _unsettled_sessions(*, since: datetime, now: datetime, apply: bool) -> Iterator[Difference]:
    """Yield the paid sessions of our payments that no event has settled."""
    for data in stripe_gateway.paid_sessions(since=since):
        session_id = data["id"]
        payment = Payment.objects.filter(session_id=session_id).first()
        if payment is None:
            yield Difference(session_id, "paid, but no payment of ours", "none: look into it")
        elif payment.status != Payment.Status.PAID:
            outcome = _settle(data, now=now) if apply else ""
            what = f"paid, but payment {payment.pk} is {payment.status}"
            yield Difference(session_id, what, "settle it", outcome)


def _settle(data: Mapping[str, Any], *, now: datetime) -> str:
    try:
        with transaction.atomic():
            return settlement.complete(read_checkout_session(data), now=now).outcome
    except (QuarantinedError, UnexpectedObjectError) as refusal:
        return f"refused: {refusal}"
