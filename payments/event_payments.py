"""Finds the payment that a Stripe event is about, for people to look at.

Which payment an event may credit is decided in `settlement` alone.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db.models import Q, QuerySet

from payments.models import Clawback, Payment, StripeEvent
from payments.stripe_objects import MARK

_ID = re.compile(r"[A-Za-z0-9_]{1,255}", re.ASCII)
_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


def payments_by_event(events: Iterable[StripeEvent]) -> dict[int, Payment]:
    """Return the payment, with its user, of each event that has one, by the event's primary key."""
    named = {event.pk: set(_names_in(object_of(event.parsed()))) for event in events}
    found = _payments_named(set[str | int]().union(*named.values()))
    # Oldest last, so that the oldest payment wins when an event names several.
    return {
        pk: payment
        for payment in found.select_related("user").order_by("-pk")
        for pk, names in named.items()
        if names & {payment.session_id or payment.pk, payment.payment_intent_id}
    }


def find_payment_of(event: StripeEvent) -> Payment | None:
    """Return the payment that the event names, even if its amount or owner does not match."""
    return payments_by_event([event]).get(event.pk)


def find_payment_named_in(subject: Mapping[str, Any]) -> Payment | None:
    """Return the payment that a Stripe object names, even if amount or owner does not match."""
    return _payments_named(set(_names_in(subject))).order_by("pk").first()


def is_of_ours(session: Mapping[str, Any]) -> bool:
    """Return whether a checkout session is ours, and not another program's.

    It carries our mark, or we know its id. Before there was a mark a payment had no key of its own
    at Stripe: of those one may have lost its session's id, and is named in the metadata. What is
    credited is decided in `settlement`, whatever the metadata say (CONTRACT 2.9).
    """
    metadata = session.get("metadata")
    names = metadata if isinstance(metadata, Mapping) else {}
    if MARK.items() <= names.items():
        return True
    known = Q(pk=parse_payment_id(names.get("payment_id")), session_id=None, stripe_key=None)
    session_id = session.get("id")
    if isinstance(session_id, str) and _ID.fullmatch(session_id):
        known |= Q(session_id=session_id)
    return Payment.objects.filter(known).exists()


def may_be_ours(refund: Mapping[str, Any]) -> bool:
    """Return whether a refund or a dispute can be of a purchase of ours, known or not yet known.

    Every paid purchase of ours has a payment intent, and is in US dollars.
    """
    intent, currency = refund.get("payment_intent", ""), refund.get("currency")
    if isinstance(intent, Mapping):
        intent = intent.get("id")
    if intent is not None and not (isinstance(currency, str) and currency != "usd"):
        return True
    names = {*_names_in(refund), *_names_in({"payment_intent": intent})}
    known = Clawback.objects.filter(stripe_id__in=[name for name in names if isinstance(name, str)])
    return known.exists() or _payments_named(names).exists()


def parse_payment_id(value: object) -> int | None:
    """Return our payment's id from a metadata value, which may be anything; else None."""
    return int(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else None


def object_of(envelope: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the `data.object` of an event; empty when there is none."""
    data = envelope.get("data")
    subject = data.get("object") if isinstance(data, dict) else None
    return subject if isinstance(subject, dict) else {}


def _names_in(subject: Mapping[str, Any]) -> Iterator[str | int]:
    for name in ("id", "payment_intent"):
        value = subject.get(name)
        if isinstance(value, str) and _ID.fullmatch(value):
            yield value
    metadata = subject.get("metadata")
    if isinstance(metadata, Mapping) and (number := parse_payment_id(metadata.get("payment_id"))):
        yield number


def _payments_named(names: set[str | int]) -> QuerySet[Payment]:
    """Return the payments with these Stripe ids; our own ids count while there is no session."""
    stripe_ids = [name for name in names if isinstance(name, str)]
    payment_ids = [name for name in names if isinstance(name, int)]
    return Payment.objects.filter(
        Q(session_id__in=stripe_ids)
        | Q(payment_intent_id__in=stripe_ids)
        | Q(session_id=None, pk__in=payment_ids)
    )
