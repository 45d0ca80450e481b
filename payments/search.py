"""Finds people, keys, entries and payments by what operators type; an index serves each way."""

import re

from django.db.models import Q

from accounts import api_keys, people, row_ids
from accounts.models import User
from accounts.people import name_has, name_is, owned_by
from payments.models import Payment
from referrals import codes

KEY = re.compile(r"gw_live_[\w-]+", re.ASCII)

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


def lookup_of(term: str) -> str | None:
    """Return the lookup for this Stripe id, or None when the term is not a Stripe id."""
    return next((lookup for prefix, lookup in _LOOKUPS.items() if term.startswith(prefix)), None)


def find_user(typed: str) -> User:
    """Return the user with this name, e-mail, code or id, or the buyer of this Stripe id.

    Raises User.DoesNotExist and SeveralPeopleError.
    """
    term, buyers = typed.strip(), Payment.objects.values_list("user", flat=True)
    lookup = lookup_of(term)
    return people.find(typed, *(buyers.filter(**{lookup: term}) if lookup else ()))


def truncate_keys(text: str) -> str:
    """Reduce each API key in the text to its beginning, which is no secret."""
    return KEY.sub(lambda key: api_keys.prefix(key.group()), text)


def people_found_by(term: str) -> list[Q]:
    """Return the people with this id, code, key or purchase, or whose name or e-mail has it."""
    if KEY.fullmatch(term):
        return [Q(api_keys__prefix=api_keys.prefix(term))]
    found = [
        name_is(term),
        name_has(term),
        Q(referral_code=codes.normalize(term) or ""),
        Q(pk=row_ids.typed(term)),
    ]
    if place := lookup_of(term):
        found.append(Q(**{f"payments__{place}": term}))
    return found


def entries_found_by(term: str) -> list[Q]:
    """Return the ledger entries of a person, or with this id, key or Stripe object."""
    found = [*owned_by(term), Q(idempotency_key=term), Q(pk=row_ids.typed(term))]
    if place := lookup_of(term):
        own = place.removeprefix("clawbacks__")
        found.append(Q(**{f"clawback__{own}" if own != place else f"payment__{place}": term}))
    return found


def keys_found_by(term: str) -> list[Q]:
    """Return the API keys of a person, or with this prefix."""
    return [*owned_by(term), Q(prefix=api_keys.prefix(term))]
