"""Takes out of Stripe's raw events what they say of a person who was erased (CONTRACT 2.14).

What settlement reads stays, so that an event can still be replayed and explained. The signature was
checked when the event arrived; `ERASED` says why the body no longer matches it.
"""

import json
from collections.abc import Iterator
from itertools import chain
from typing import Any

from django.db.models import F, Func, QuerySet, TextField, Value
from django.db.models.functions import Lower, StrIndex
from django.db.models.lookups import GreaterThan

from accounts.models import User
from payments.event_payments import payments_by_event
from payments.models import StripeEvent
from payments.stripe_objects import MARK

ERASED = "gatewayz_erased"
# All that we read of an event. Anything else goes: Stripe adds fields, and payers fill them.
_KEPT = {
    *("id", "object", "api_version", "created", "livemode", "type", "data", ERASED),
    *("mode", "status", "payment_status", "amount", "amount_total", "currency", "expires_at"),
    *("payment_intent", "client_reference_id", "metadata", "charge"),
    *("payment_id", "user_id", *MARK),
}
_BATCH = 500


def redact_events_of(person: User, email: str) -> int:
    """Redact the stored events of a person, whose address was `email`; return how many."""
    theirs = StripeEvent.objects.filter(payment__user=person)
    return sum(map(_redact, chain(_with_body(theirs), _without_payment(person, email))))


def redact_late_events() -> int:
    """Redact the events that arrived after their person was erased; return how many."""
    erased = User.objects.filter(erased_at__isnull=False).values("pk")
    late = StripeEvent.objects.filter(
        payment__user__in=erased, received_at__gte=F("payment__user__erased_at")
    )
    return sum(map(_redact, _with_body(late)))


def redacted(body: bytes) -> bytes:
    """Return the event with only what we read of it."""
    kept: dict[str, Any] = _keep(json.loads(body))
    return json.dumps(kept | {ERASED: True}).encode()


def _keep(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _keep(part) for key, part in value.items() if key in _KEPT}
    # A list holds nothing that we read.
    return None if isinstance(value, list) else value


def _with_body(events: QuerySet[StripeEvent]) -> Iterator[StripeEvent]:
    return events.exclude(body=b"").order_by("pk").iterator(_BATCH)


def _without_payment(person: User, email: str) -> Iterator[StripeEvent]:
    """Yield the events about the person that are not known to be about a payment of theirs.

    These were refused or put off, which is rare, or are ignored, and say the address.
    """
    unassigned = StripeEvent.objects.filter(payment=None)
    ignored = unassigned.filter(outcome=StripeEvent.Outcome.IGNORED)
    yield from _with_body(ignored.filter(_says(email)))
    others = unassigned.exclude(outcome=StripeEvent.Outcome.IGNORED)
    events = list(_with_body(others))
    owners = payments_by_event(events)
    for event in events:
        is_said = email.lower().encode() in bytes(event.body).lower()
        if is_said or (event.pk in owners and owners[event.pk].user_id == person.pk):
            yield event


def _says(text: str) -> GreaterThan:
    """Match events whose body has this text, in any case."""
    body = Lower(Func(F("body"), Value("escape"), function="encode", output_field=TextField()))
    return GreaterThan(StrIndex(body, Value(text.lower())), 0)


def _redact(event: StripeEvent) -> bool:
    body = bytes(event.body)
    changed = redacted(body)
    if changed == body:
        return False
    # Race: a delivery may process the event now; it stores the same event, whole, which the nightly
    # job finds.
    same = StripeEvent.objects.filter(pk=event.pk)
    return bool(same.update(body=changed, last_error=""))
