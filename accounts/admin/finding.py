"""What operators type to find a person, a key or an entry; every way has an index of its own."""

import re
from typing import Any

from django.contrib.admin.views.main import SEARCH_VAR
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from accounts import api_keys, row_ids
from accounts.people import name_is, name_starts_with, owned_by
from gatewayz.adminbase.model_admin import ModelAdmin
from payments.search import lookup_of
from referrals import codes

_KEY = re.compile(r"gw_live_[\w-]+", re.ASCII)


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
    found = [
        name_is(term),
        name_starts_with(term),
        Q(referral_code=codes.normalize(term) or ""),
        Q(pk=row_ids.parse(term)),
    ]
    if place := lookup_of(term):
        found.append(Q(**{f"payments__{place}": term}))
    return found


def entries(term: str) -> list[Q]:
    """Return the ledger entries of a person, of this id or cause, or of Stripe's object."""
    found = [*owned_by(term), Q(idempotency_key=term), Q(pk=row_ids.parse(term))]
    if place := lookup_of(term):
        own = place.removeprefix("clawbacks__")
        found.append(Q(**{f"clawback__{own}" if own != place else f"payment__{place}": term}))
    return found


def keys(term: str) -> list[Q]:
    """Return the API keys of a person, or those that begin like this."""
    return [*owned_by(term), Q(prefix=api_keys.prefix(term))]
