"""Finds purchases, and whose they are, by what a colleague has at hand."""

import re

from django.db.models import Q

from accounts import people
from accounts.models import User
from payments.models import Payment

# How Stripe's ids begin, and where a purchase keeps them.
_STRIPE = {
    "cs_": "session_id",
    "pi_": "payment_intent_id",
    "evt_": "stripe_events__event_id",
    "re_": "clawbacks__stripe_id",
    "pyr_": "clawbacks__stripe_id",
    "dp_": "clawbacks__stripe_id",
    "du_": "clawbacks__stripe_id",
}


def purchase(what: str) -> Payment:
    """Return the purchase of this id, ours or one of Stripe's. Raises Payment.DoesNotExist."""
    term = what.strip()
    if re.fullmatch(r"[0-9]{1,18}", term, re.ASCII):
        return Payment.objects.select_related("user").get(pk=int(term))
    return _of_stripe(term)


def _of_stripe(term: str) -> Payment:
    place = next((place for start, place in _STRIPE.items() if term.startswith(start)), None)
    if place is None:
        raise Payment.DoesNotExist
    return Payment.objects.select_related("user").get(Q(**{place: term}))


def person(who: str) -> User:
    """Return whom a colleague means, also by Stripe's id of something of a purchase.

    Raises User.DoesNotExist.
    """
    try:
        return people.find(who)
    except User.DoesNotExist:
        pass
    try:
        return _of_stripe(who.strip()).user
    except Payment.DoesNotExist:
        raise User.DoesNotExist from None
