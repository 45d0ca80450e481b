"""Finds payments and users by an id that an operator types, ours or Stripe's."""

from accounts import people
from accounts.models import User
from accounts.row_ids import is_id
from payments.models import Payment, PaymentQuerySet

CLAWBACK_LOOKUP = "clawbacks__stripe_id"
# The prefixes of Stripe's ids, and the lookup that finds the payment of such an id.
_LOOKUPS = {
    "cs_": "session_id",
    "pi_": "payment_intent_id",
    "evt_": "stripe_events__event_id",
    "re_": CLAWBACK_LOOKUP,
    "pyr_": CLAWBACK_LOOKUP,
    "dp_": CLAWBACK_LOOKUP,
    "du_": CLAWBACK_LOOKUP,
}


def find_payment(typed: str) -> Payment:
    """Return the payment with this id, ours or Stripe's. Raises Payment.DoesNotExist."""
    term = typed.strip()
    payments = Payment.objects.filter(pk=int(term)) if is_id(term) else _payments_by_stripe_id(term)
    return payments.select_related("user").get()


def lookup_of(term: str) -> str | None:
    """Return the lookup for this Stripe id, or None when the term is not a Stripe id."""
    return next((lookup for prefix, lookup in _LOOKUPS.items() if term.startswith(prefix)), None)


def _payments_by_stripe_id(term: str) -> PaymentQuerySet:
    lookup = lookup_of(term)
    return Payment.objects.filter(**{lookup: term}) if lookup else Payment.objects.none()


def find_user(typed: str) -> User:
    """Return the user with this name, e-mail, code or id, or the buyer of this Stripe id.

    Raises User.DoesNotExist and SeveralPeopleError.
    """
    return people.find(typed, *_payments_by_stripe_id(typed.strip()).values_list("user", flat=True))
