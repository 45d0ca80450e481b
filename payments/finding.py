"""Finds purchases, and whose they are, by what a colleague has at hand."""

from accounts import people
from accounts.models import User
from accounts.row_ids import is_id
from payments.models import Payment, PaymentQuerySet

OF_CLAWBACKS = "clawbacks__stripe_id"
# How Stripe's ids begin, and where a purchase keeps them.
_STRIPE = {
    "cs_": "session_id",
    "pi_": "payment_intent_id",
    "evt_": "stripe_events__event_id",
    "re_": OF_CLAWBACKS,
    "pyr_": OF_CLAWBACKS,
    "dp_": OF_CLAWBACKS,
    "du_": OF_CLAWBACKS,
}


def purchase(what: str) -> Payment:
    """Return the purchase of this id, ours or one of Stripe's. Raises Payment.DoesNotExist."""
    term = what.strip()
    purchases = Payment.objects.filter(pk=int(term)) if is_id(term) else _of_stripe(term)
    return purchases.select_related("user").get()


def place_of(term: str) -> str | None:
    """Return where a purchase would keep this id of Stripe's, or None if it is none."""
    return next((place for start, place in _STRIPE.items() if term.startswith(start)), None)


def _of_stripe(term: str) -> PaymentQuerySet:
    place = place_of(term)
    return Payment.objects.filter(**{place: term}) if place else Payment.objects.none()


def person(who: str) -> User:
    """Return whom a colleague means, also by Stripe's id of something of a purchase.

    Raises User.DoesNotExist and SeveralPeopleError.
    """
    return people.find(who, *_of_stripe(who.strip()).values_list("user", flat=True))
