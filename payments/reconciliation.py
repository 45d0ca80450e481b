"""Holds our books against Stripe's, and makes up for whatever never reached us."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import transaction

from payments import inbox, settlement, stripe_gateway
from payments.event_subjects import payment_named_by
from payments.models import Payment, StripeEvent
from payments.outcomes import QuarantinedError
from payments.stripe_gateway import UnexpectedObjectError, read_checkout_session


class Remedy(StrEnum):
    """What can be done about a difference."""

    PROCESS = "process it"
    SETTLE = "settle it"
    NONE = "none: look into it"


@dataclass(frozen=True)
class Difference:
    """Something that Stripe has and we have not; `told` is Stripe's JSON of it."""

    stripe_id: str
    what: str
    remedy: Remedy
    told: Mapping[str, Any]


def differences(*, since: datetime) -> Iterator[Difference]:
    """Go through Stripe's events since then, and then through its paid sessions.

    A session whose event was made up for on the way is no difference any more. Raises
    StripeUnavailableError and StripeRefusedError.
    """
    yield from _missing_events(since)
    yield from _unsettled_sessions(since)


def make_up_for(difference: Difference, *, now: datetime) -> str:
    """Apply the remedy, and return what came of it; the second time there is nothing to do."""
    if difference.remedy == Remedy.PROCESS:
        event_id = inbox.record(json.dumps(difference.told).encode(), now=now)
        return inbox.attempt(event_id, now=now).outcome
    if difference.remedy == Remedy.SETTLE:
        return _settle(difference.told, now=now)
    return ""


def _settle(session: Mapping[str, Any], *, now: datetime) -> str:
    try:
        with transaction.atomic():
            return settlement.complete(read_checkout_session(session), now=now).outcome
    except (QuarantinedError, UnexpectedObjectError) as refusal:
        return f"refused: {refusal}"


def _missing_events(since: datetime) -> Iterator[Difference]:
    """Yield the events that never came, oldest first."""
    at_stripe = {
        event["id"]: event
        for event in stripe_gateway.events(types=list(inbox.HANDLERS), since=since)
    }
    known = StripeEvent.objects.filter(event_id__in=at_stripe, processed_at__isnull=False)
    for event_id in known.values_list("event_id", flat=True):
        del at_stripe[event_id]
    for event in reversed(at_stripe.values()):  # Stripe lists the newest first
        yield Difference(event["id"], f"{event['type']} was not processed", Remedy.PROCESS, event)


def _unsettled_sessions(since: datetime) -> Iterator[Difference]:
    """Yield the paid sessions of our payments that no event has settled."""
    for session in stripe_gateway.paid_sessions(since=since):
        payment = payment_named_by(session)
        if payment is None:
            what, remedy = "paid, but no payment of ours", Remedy.NONE
        elif payment.status != Payment.Status.PAID:
            what, remedy = f"paid, but payment {payment.pk} is {payment.status}", Remedy.SETTLE
        else:
            continue
        yield Difference(session["id"], what, remedy, session)
