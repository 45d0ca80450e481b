"""Finds the payment of ours that an event speaks of, also when it was not settled by it."""

import re
from collections.abc import Iterator

from django.db.models import Q

from payments.models import Payment, StripeEvent

_ID = re.compile(r"[A-Za-z0-9_]{1,255}", re.ASCII)


def payment_of(event: StripeEvent) -> Payment | None:
    """Return the payment with the session or payment intent that is named, whatever else fits.

    It is for people to look at; what may be credited is decided in settlement.
    """
    named = list(_named_ids(event))
    found = Payment.objects.filter(Q(session_id__in=named) | Q(payment_intent_id__in=named))
    return found.order_by("pk").first() if named else None


def _named_ids(event: StripeEvent) -> Iterator[str]:
    data = event.parsed().get("data")
    subject = data.get("object") if isinstance(data, dict) else None
    if not isinstance(subject, dict):
        return
    for name in ("id", "payment_intent"):
        value = subject.get(name)
        if isinstance(value, str) and _ID.fullmatch(value):
            yield value
