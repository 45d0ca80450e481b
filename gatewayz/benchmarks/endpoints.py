"""One request, or a few, to each endpoint that the URL configuration has."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.admindocs.views import extract_views_from_urlpatterns
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone
from django.views import View

from accounts import api_keys, emails, ledger_seals, log_in_links
from accounts.models import ApiKey, LedgerEntry, User
from accounts.preferences import EmailKind
from gatewayz.api.errors import NoSuchEndpoint
from gatewayz.benchmarks import loader, scenarios
from gatewayz.benchmarks.request import Request
from payments import stripe_gateway
from payments.models import Payment
from payments.reports.leaderboard import MEASURES
from payments.stripe_objects import CheckoutSession
from referrals.models import LeaderboardEntry

# The person who asks: a referrer with friends, and with a known key.
CALLER = 1
# Of the metrics.
TOKEN = "benchmark" * 4


def _call(
    path: str, method: str = "GET", body: Any = "", headers: dict[str, str] | None = None
) -> Request:
    """Return a request with the caller's key, unless the headers have another."""
    return Request(method, path, body, scenarios.key(CALLER) | (headers or {}))


# Makes the request for the n-th time; what it prepares for that is not measured.
Maker = Callable[[int], Request]


def _get(path: str) -> Maker:
    return lambda n: _call(path)


def _own_page(path: str) -> Maker:
    """Return the maker of a request for a page of the caller, who is logged in."""

    def make(n: int) -> Request:
        browser = Client()
        browser.force_login(User.objects.get(pk=CALLER), log_in_links.BACKEND)
        name = settings.SESSION_COOKIE_NAME
        return _call(path, headers={"Cookie": f"{name}={browser.cookies[name].value}"})

    return make


def _own_key(n: int) -> Request:
    key, _ = api_keys.create(user=User.objects.get(pk=CALLER), name="own", now=timezone.now())
    return _own_page(f"/account/keys/{key.pk}/revoke")(n)


def _follow_link(n: int) -> Request:
    token = log_in_links.create_token(User.objects.get(pk=CALLER))
    return _call(f"/login/link?token={token}")


def _newcomer() -> tuple[str, dict[str, str]]:
    """Let somebody come; return their name and the header with their key."""
    name = f"newcomer-{secrets.token_hex(4)}"
    user = User.objects.create(username=name, email=f"{name}@example.com")
    _, key = api_keys.create(user=user, name="default", now=timezone.now())
    return name, {"Authorization": f"Bearer {key}"}


def _claim(n: int) -> Request:
    _, key = _newcomer()
    return _call("/referral/claim", "POST", {"referral_code": loader.code_of(2)}, key)


def _prove(n: int) -> Request:
    ledger_seals.seal_new_entries(now=timezone.now())
    entry = LedgerEntry.objects.filter(user=CALLER).earliest("pk")
    return _call(f"/user/transactions/{entry.pk}/proof")


def _erase(n: int) -> Request:
    """Let somebody go who has just come; the caller is needed again."""
    name, key = _newcomer()
    return _call("/user/erase", "POST", {"username": name}, key)


def _unsubscribe(n: int) -> Request:
    link = emails.unsubscribe_link(User.objects.get(pk=CALLER), EmailKind.BONUS_EARNED)
    return _call(urlsplit(link).path)


def _make_key(n: int) -> Request:
    # A person has a limited number of keys.
    ApiKey.objects.filter(user=CALLER, name="made").delete()
    return _call("/user/api-keys", "POST", {"name": "made"})


def _revoke(n: int) -> Request:
    user = User.objects.get(pk=CALLER)
    key, _ = api_keys.create(user=user, name=f"to revoke {n}", now=timezone.now())
    return _call(f"/user/api-keys/{key.pk}", "DELETE")


def _session(n: int) -> Request:
    payments = Payment.objects.filter(user=CALLER).exclude(session_id=None)
    return _call(f"/api/stripe/checkout-session/{payments.earliest('pk').session_id}")


_LEADERS = [
    _get(f"/referral/leaderboard?period={period}&by={by}")
    for period in LeaderboardEntry.Period.values
    for by in MEASURES
]
# What is more than a GET of the route's own path.
PREPARED: dict[str, list[Maker]] = {
    "GET signup": [_get("/signup"), _get(f"/signup?ref={loader.code_of(2)}")],
    "GET login/link": [_follow_link],
    "GET account/keys/<int:pk>/revoke": [_own_key],
    "GET emails/off/<str:token>": [_unsubscribe],
    "POST auth/register": [lambda n: scenarios.registrations(1, codes=1)[0]],
    "GET user/transactions/<int:pk>/proof": [_prove],
    "PATCH user/preferences": [
        lambda n: _call("/user/preferences", "PATCH", {"show_on_leaderboard": bool(n % 2)})
    ],
    "POST user/tokens": [lambda n: _call("/user/tokens", "POST", {"scope": "read"})],
    "POST user/erase": [_erase],
    "POST user/api-keys": [_make_key],
    "DELETE user/api-keys/<int:pk>": [_revoke],
    "POST referral/generate": [lambda n: _call("/referral/generate", "POST")],
    "POST referral/claim": [_claim],
    "POST referral/validate": [lambda n: scenarios.validation(2)],
    "GET referral/explain": [_get("/referral/explain"), _get("/referral/explain?amount=1000")],
    "GET referral/leaderboard": _LEADERS,
    # Somebody who came by a code pays for the first time.
    "POST api/stripe/webhook": [lambda n: scenarios.settlements(1, per_code=1)[0]],
    "POST api/stripe/checkout-session": [lambda n: scenarios.checkout(CALLER)],
    r"GET ^api/stripe/checkout-session/(?P<session_id>[A-Za-z0-9_]{1,255})\Z": [_session],
    "GET metrics": [lambda n: _call("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})],
}


def makers() -> Iterator[tuple[str, Maker]]:
    """Yield the makers of requests to each endpoint, with its name."""
    for route in sorted(routes()):
        found = PREPARED.get(route) or [_plain(route)]
        for make in found:
            yield route if len(found) == 1 else f"GET {make(0).path}", make


def _plain(route: str) -> Maker:
    method, _, path = route.partition(" ")
    if method != "GET" or "<" in path:
        raise KeyError(f"nothing says what to ask for by {route}")
    make = _own_page if path.startswith(("account", "dashboard")) else _get
    return make(f"/{path}")


def routes() -> Iterator[str]:
    """Yield the method and the pattern of each endpoint of the program, but for the admin's."""
    every = extract_views_from_urlpatterns(get_resolver().url_patterns)
    for view, path, namespace, _ in every:
        if namespace or getattr(view, "cls", None) is NoSuchEndpoint:
            continue
        methods = getattr(view, "actions", None) or {"get": ""}
        page = getattr(view, "view_class", View)
        offered = set(methods) & set(page.http_method_names) - {"head"}
        yield from (f"{method.upper()} {path}" for method in offered)


@contextmanager
def stripe_at_once() -> Iterator[None]:
    """Let Stripe answer at once: its time is not ours, and does not grow with our tables."""

    def create(*, payment_id: int, user_id: int, amount: int, **rest: Any) -> Any:
        return CheckoutSession(
            session_id=f"cs_scale_{payment_id}",
            mode="payment",
            payment_status="unpaid",
            amount=amount,
            currency="usd",
            livemode=False,
            payment_intent_id=None,
            user_id=str(user_id),
            payment_id=str(payment_id),
            url="https://checkout.stripe.com/c/pay",
            expires_at=timezone.now() + timedelta(hours=24),
        )

    with patch.object(stripe_gateway, "create_checkout_session", create):
        yield
