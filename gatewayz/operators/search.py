"""The search that every page of the desk has: whatever an operator knows, and what it leads to."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.text import capfirst

from accounts import api_keys, row_ids
from accounts.models import Adjustment, ApiKey, LedgerEntry, User
from accounts.people import name_starts_with
from gatewayz.adminbase import navigation
from gatewayz.adminbase.formatting import page_of
from payments.models import Clawback, Payment, StripeEvent
from payments.search import KEY, lookup_of, people_found_by, truncate_keys
from referrals import codes
from referrals.models import Referral

MOST_PEOPLE = 10
LONGEST = 254


@dataclass(frozen=True, kw_only=True)
class Hit:
    """What was found; `is_exact` if nothing else can have been meant."""

    title: str
    description: str
    link: str
    icon: str
    is_exact: bool = False


def answer(request: HttpRequest, context: Callable[[HttpRequest], dict[str, Any]]) -> HttpResponse:
    """Show what is found below the field while one types, and on a page when it is sent.

    What is sent leads to the one thing that it can mean.
    """
    typed = request.GET.get("s", "")
    term = truncate_keys(typed.replace("\0", "").strip()[:LONGEST])
    hits = list(_hits(request, term)) if term else []
    every = f"{reverse('admin:accounts_user_changelist')}?{urlencode({'q': term})}"
    found = {"term": term, "hits": hits, "every_person": every}
    if "HX-Request" in request.headers:
        return TemplateResponse(request, "admin/search_hits.html", found)
    sure = [hit for hit in hits if hit.is_exact] or hits
    if len(sure) == 1:
        return redirect(sure[0].link)
    if KEY.search(typed):  # out of the address bar
        return redirect(f"{request.path}?{urlencode({'s': term})}")
    page = {**context(request), "title": "Search", **found}
    return TemplateResponse(request, "admin/search.html", page)


def _hits(request: HttpRequest, term: str) -> Iterator[Hit]:
    if request.user.has_perm("accounts.view_user"):
        yield from _people(term)
        if code := codes.normalize(term):
            yield from _of_code(code)
    for rows in _others(term):
        if request.user.has_perm(
            f"{rows.model._meta.app_label}.view_{rows.model._meta.model_name}"
        ):
            yield from map(_row, rows)
    yield from _pages(request, term)


def _people(term: str) -> list[Hit]:
    """Return people; first those who are known by exactly this, then those who begin with it."""
    users = User.objects.order_by()
    ways = [*people_found_by(term), name_starts_with(term)]
    found = reduce(QuerySet.union, (users.filter(way).values("pk")[:MOST_PEOPLE] for way in ways))
    hits = [_person(user, term) for user in users.filter(pk__in=found)]
    beginning = term.casefold()
    return sorted(
        hits,
        key=lambda hit: (
            not hit.is_exact,
            not hit.title.casefold().startswith(beginning),
            hit.title,
        ),
    )[:MOST_PEOPLE]


def _person(user: User, term: str) -> Hit:
    known_as = {user.username.casefold(), user.email.casefold()}
    is_code = user.referral_code is not None and codes.normalize(term) == user.referral_code
    state = "" if user.is_active else " · deactivated"
    return Hit(
        title=user.username,
        description=f"#{user.pk} · {user.email} · {user.referral_code or 'no code'}{state}",
        link=page_of(user),
        icon="person",
        is_exact=term.casefold() in known_as or is_code,
    )


def _of_code(code: str) -> Iterator[Hit]:
    if User.objects.filter(referral_code=code).exists():
        query = urlencode({"referred_by_code": code})
        yield Hit(
            title=f"People of the code {code}",
            description="who signed up with it, and what each lacks",
            link=f"{reverse('admin:accounts_user_changelist')}?{query}",
            icon="group",
        )


def _others(term: str) -> Iterator[QuerySet[Any]]:
    """Return what else has this id, key or id of Stripe's."""
    if (pk := row_ids.typed(term)) is not None:
        yield Payment.objects.filter(pk=pk)
        yield Referral.objects.filter(pk=pk)
        yield Adjustment.objects.filter(pk=pk).select_related("user")
        yield LedgerEntry.objects.filter(pk=pk)
    elif KEY.fullmatch(term):
        yield ApiKey.objects.filter(prefix=api_keys.prefix(term))[:MOST_PEOPLE]
    elif lookup := lookup_of(term):
        yield Payment.objects.filter(**{lookup: term})
        yield Clawback.objects.filter(Q(stripe_id=term) | Q(payment_intent_id=term))
        yield StripeEvent.objects.filter(event_id=term).defer("body")


def _row(row: Model) -> Hit:
    name = capfirst(str(row._meta.verbose_name))
    return Hit(
        title=f"{name} #{row.pk}", description=str(row), link=page_of(row), icon="data_object"
    )


def _pages(request: HttpRequest, term: str) -> Iterator[Hit]:
    for group in navigation.navigation(request):
        for page in group["items"]:
            if term.casefold() in page["title"].casefold():
                yield Hit(
                    title=page["title"],
                    description=group["title"],
                    link=page["link"],
                    icon=page["icon"],
                )
