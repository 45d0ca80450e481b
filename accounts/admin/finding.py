"""What operators type to find a person, a key or an entry; every way has an index of its own."""

import re
from typing import Any

from django.contrib.admin.views.main import SEARCH_VAR
from django.db.models import Q, Value
from django.db.models.functions import Lower
from django.db.models.lookups import Exact, StartsWith
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from accounts import api_keys
from accounts.models import User
from gatewayz.model_admin import ModelAdmin
from referrals import codes

_KEY = re.compile(r"gw_live_[\w-]+", re.ASCII)
_ID = re.compile(r"[0-9]{1,18}", re.ASCII)
# Fewer letters begin the names of half the world.
_ENOUGH_OF_A_NAME = 3
# How Stripe's ids begin, and where a person's purchases keep them.
_STRIPE = {
    "cs_": "session_id",
    "pi_": "payment_intent_id",
    "evt_": "stripe_events__event_id",
    "re_": "clawbacks__stripe_id",
    "pyr_": "clawbacks__stripe_id",
    "dp_": "clawbacks__stripe_id",
    "du_": "clawbacks__stripe_id",
}


class KeysCutShort(ModelAdmin):
    """A list that may be searched with a pasted API key, and forgets all but how it begins."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        typed = request.GET.get(SEARCH_VAR, "")
        if (short := _cut_short(typed)) != typed:
            asked = request.GET.copy()
            asked[SEARCH_VAR] = short
            return HttpResponseRedirect(f"{request.path}?{asked.urlencode()}")
        page: HttpResponse = super().changelist_view(request, extra_context)
        return page


def _cut_short(text: str) -> str:
    return _KEY.sub(lambda key: api_keys.prefix(key.group()), text)


def people(term: str) -> list[Q]:
    """Return who has this id, code, key or purchase, or a name or e-mail that begins like this."""
    if _KEY.fullmatch(term):
        return [Q(api_keys__prefix=api_keys.prefix(term))]
    found = _called(term)
    if len(term) >= _ENOUGH_OF_A_NAME:
        found += _beginning(term)
    if code := codes.normalize(term):
        found.append(Q(referral_code=code))
    if _ID.fullmatch(term):
        found.append(Q(pk=int(term)))
    if place := _stripes_place(term):
        found.append(Q(**{f"payments__{place}": term}))
    return found


def of_person(term: str, owner: str = "user") -> Q:
    """Return what belongs to whoever has exactly this name or e-mail address."""
    by_name, by_email = _called(term)
    people = User.objects.filter(by_name | by_email).values("pk")
    return Q(**{f"{owner}__in": people})


def entries(term: str) -> list[Q]:
    """Return the ledger entries of a person, of this id or cause, or of Stripe's object."""
    found = [of_person(term), Q(idempotency_key=term)]
    if _ID.fullmatch(term):
        found.append(Q(pk=int(term)))
    if place := _stripes_place(term):
        own = place.removeprefix("clawbacks__")
        found.append(Q(**{f"clawback__{own}" if own != place else f"payment__{place}": term}))
    return found


def keys(term: str) -> list[Q]:
    """Return the API keys of a person, or those that begin like this."""
    return [of_person(term), Q(prefix=api_keys.prefix(term))]


def _called(term: str) -> list[Q]:
    return [Q(Exact(Lower(field), Lower(Value(term)))) for field in ("username", "email")]


def _beginning(term: str) -> list[Q]:
    return [Q(StartsWith(Lower(field), Lower(Value(term)))) for field in ("username", "email")]


def _stripes_place(term: str) -> str | None:
    return next((place for start, place in _STRIPE.items() if term.startswith(start)), None)
