"""Finds the payment of ours that an event speaks of, also when it was not settled by it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db.models import Q, QuerySet

from payments.models import Payment, StripeEvent

_ID = re.compile(r"[A-Za-z0-9_]{1,255}", re.ASCII)
_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


def payments_of(events: Iterable[StripeEvent]) -> dict[int, Payment]:
    """Return by each event's key its `payment_of`, with its person, for a whole page at once."""
    named = {event.pk: set(_named_by(_subject(event))) for event in events}
    found = _with_any(set[str | int]().union(*named.values()))
    # The first that was made wins.
    return {
        pk: payment
        for payment in found.select_related("user").order_by("-pk")
        for pk, names in named.items()
        if names & {payment.session_id or payment.pk, payment.payment_intent_id}
    }


def payment_of(event: StripeEvent) -> Payment | None:
    """Return the payment that is named, whatever else fits.

    It is for people to look at; what may be credited is decided in settlement.
    """
    return payments_of([event]).get(event.pk)


def payment_named_by(subject: Mapping[str, Any]) -> Payment | None:
    """Return the payment that an object of Stripe's names."""
    return _with_any(set(_named_by(subject))).order_by("pk").first()


def payment_number(value: object) -> int | None:
    """Return our own number of a payment, from metadata that may say anything."""
    return int(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else None


def _subject(event: StripeEvent) -> Mapping[str, Any]:
    data = event.parsed().get("data")
    subject = data.get("object") if isinstance(data, dict) else None
    return subject if isinstance(subject, dict) else {}


def _named_by(subject: Mapping[str, Any]) -> Iterator[str | int]:
    for name in ("id", "payment_intent"):
        value = subject.get(name)
        if isinstance(value, str) and _ID.fullmatch(value):
            yield value
    metadata = subject.get("metadata")
    if isinstance(metadata, Mapping) and (number := payment_number(metadata.get("payment_id"))):
        yield number


def _with_any(names: set[str | int]) -> QuerySet[Payment]:
    """Return the payments with these ids of Stripe's, and those without a session by number."""
    ids = [name for name in names if isinstance(name, str)]
    numbers = [name for name in names if isinstance(name, int)]
    return Payment.objects.filter(
        Q(session_id__in=ids) | Q(payment_intent_id__in=ids) | Q(session_id=None, pk__in=numbers)
    )
