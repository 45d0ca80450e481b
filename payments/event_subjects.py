"""Finds the payment of ours that an event speaks of, also when it was not settled by it."""

import re
from collections.abc import Iterable, Iterator

from django.db.models import Q

from payments.models import Payment, StripeEvent

_ID = re.compile(r"[A-Za-z0-9_]{1,255}", re.ASCII)


def payments_of(events: Iterable[StripeEvent]) -> dict[int, Payment]:
    """Return by each event's key its `payment_of`, with its person, for a whole page at once."""
    named = {event.pk: set(_named_ids(event)) for event in events}
    every = set().union(*named.values())
    found = Payment.objects.filter(Q(session_id__in=every) | Q(payment_intent_id__in=every))
    # The first that was made wins.
    return {
        pk: payment
        for payment in found.select_related("user").order_by("-pk")
        for pk, ids in named.items()
        if ids & {payment.session_id, payment.payment_intent_id}
    }


def payment_of(event: StripeEvent) -> Payment | None:
    """Return the payment with the session or payment intent that is named, whatever else fits.

    It is for people to look at; what may be credited is decided in settlement.
    """
    return payments_of([event]).get(event.pk)


def _named_ids(event: StripeEvent) -> Iterator[str]:
    data = event.parsed().get("data")
    subject = data.get("object") if isinstance(data, dict) else None
    if not isinstance(subject, dict):
        return
    for name in ("id", "payment_intent"):
        value = subject.get(name)
        if isinstance(value, str) and _ID.fullmatch(value):
            yield value
