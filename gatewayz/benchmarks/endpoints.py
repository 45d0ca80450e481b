"""One request, or a few, to each endpoint: a test compares them with the URL configuration."""

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from django.views import View

from accounts import api_keys, emails, ledger_seals, log_in_links
from accounts.models import ApiKey, LedgerEntry, User
from accounts.preferences import EmailKind
from gatewayz.benchmarks import HOST, loader, scenarios
from gatewayz.site.pages import NoSuchEndpoint
from payments import stripe_gateway
from payments.models import Payment
from payments.reports.leaderboard import MEASURES
from referrals import attribution
from referrals.models import LeaderboardEntry

# The person who asks: a referrer with friends, and with a known key.
CALLER = 1
# Of the metrics.
TOKEN = "benchmark" * 4


@dataclass(frozen=True)
class Request:
    """A request with the caller's key; `body` is sent as JSON, bytes as they are."""

    path: str
    method: str = "GET"
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()

    def send(self, client: Client) -> HttpResponseBase:
        data = self.body if isinstance(self.body, bytes) else json.dumps(self.body)
        answer: HttpResponseBase = client.generic(
            self.method,
            self.path,
            b"" if self.body is None else data,
            content_type="application/json",
            headers={
                "Host": HOST,
                "Authorization": f"Bearer {loader.key_of(CALLER)}",
                **dict(self.headers),
            },
            secure=True,
        )
        return answer


# Makes the request for the n-th time; what it prepares for that is not measured.
Maker = Callable[[int], Request]


def _get(path: str) -> Maker:
    return lambda n: Request(path)


def _own_page(path: str) -> Maker:
    """Return the maker of a request for a page of the caller, who is logged in."""

    def make(n: int) -> Request:
        browser = Client()
        browser.force_login(User.objects.get(pk=CALLER), log_in_links.BACKEND)
        name = settings.SESSION_COOKIE_NAME
        return Request(path, headers=(("Cookie", f"{name}={browser.cookies[name].value}"),))

    return make


def _own_key(n: int) -> Request:
    key, _ = api_keys.create(user=User.objects.get(pk=CALLER), name="own", now=timezone.now())
    return _own_page(f"/account/keys/{key.pk}/revoke")(n)


def _follow_link(n: int) -> Request:
    token = log_in_links.create_token(User.objects.get(pk=CALLER))
    return Request(f"/login/link?token={token}")


def _register(n: int) -> Request:
    name = f"newcomer-{secrets.token_hex(4)}"
    body = {
        "username": name,
        "email": f"{name}@example.com",
        "auth_method": "email",
        "referral_code": loader.code_of(CALLER),
    }
    return Request("/auth/register", "POST", body)


def _claim(n: int) -> Request:
    """Let somebody new claim a code."""
    made = attribution.register(
        username=f"claimer-{secrets.token_hex(4)}",
        email=f"claimer-{secrets.token_hex(4)}@example.com",
        auth_method="email",
        invitation=None,
        address="",
        now=timezone.now(),
    )
    key = ("Authorization", f"Bearer {made.account.api_key}")
    return Request("/referral/claim", "POST", _CODE, (key,))


def _prove(n: int) -> Request:
    ledger_seals.seal_new_entries(now=timezone.now())
    entry = LedgerEntry.objects.filter(user=CALLER).earliest("pk")
    return Request(f"/user/transactions/{entry.pk}/proof")


def _erase(n: int) -> Request:
    """Let somebody go who has just come; the caller is needed again."""
    name = f"leaver-{secrets.token_hex(4)}"
    user = User.objects.create(username=name, email=f"{name}@example.com")
    _, key = api_keys.create(user=user, name="default", now=timezone.now())
    own_key = ("Authorization", f"Bearer {key}")
    return Request("/user/erase", "POST", {"username": name}, (own_key,))


def _unsubscribe(n: int) -> Request:
    link = emails.unsubscribe_link(User.objects.get(pk=CALLER), EmailKind.BONUS_EARNED)
    return Request(urlsplit(link).path)


def _make_key(n: int) -> Request:
    # A person has a limited number of keys.
    ApiKey.objects.filter(user=CALLER, name="made").delete()
    return Request("/user/api-keys", "POST", {"name": "made"})


def _revoke(n: int) -> Request:
    user = User.objects.get(pk=CALLER)
    key, _ = api_keys.create(user=user, name=f"to revoke {n}", now=timezone.now())
    return Request(f"/user/api-keys/{key.pk}", "DELETE")


def _session(n: int) -> Request:
    payments = Payment.objects.filter(user=CALLER).exclude(session_id=None)
    return Request(f"/api/stripe/checkout-session/{payments.earliest('pk').session_id}")


def _settle(n: int) -> Request:
    """Let somebody who came by a code pay for the first time."""
    (settlement,) = scenarios.settlements(1, per_code=1)
    return from_wire(settlement)


def from_wire(settlement: bytes) -> Request:
    """Return the request of an event that is signed already."""
    head, _, body = settlement.partition(b"\r\n\r\n")
    lines = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    signature = ("Stripe-Signature", lines["Stripe-Signature"])
    return Request("/api/stripe/webhook", "POST", body, (signature,))


_ORDER = {"amount": 1000, "currency": "usd"}
_CODE = {"referral_code": loader.code_of(2)}
_LEADERS = [
    _get(f"/referral/leaderboard?period={period}&by={by}")
    for period in LeaderboardEntry.Period.values
    for by in MEASURES
]

ENDPOINTS: dict[str, list[Maker]] = {
    "GET ": [_get("/")],
    "GET signup": [_get("/signup"), _get(f"/signup?ref={loader.code_of(2)}")],
    "GET register": [_get("/register")],
    "GET login": [_get("/login")],
    "GET login/sent": [_get("/login/sent")],
    "GET login/link": [_follow_link],
    "GET dashboard": [_own_page("/dashboard")],
    "GET dashboard/claim": [_own_page("/dashboard/claim")],
    "GET dashboard/friends": [_own_page("/dashboard/friends")],
    "GET dashboard/qr.svg": [_own_page("/dashboard/qr.svg")],
    "GET dashboard/buy": [_own_page("/dashboard/buy")],
    "GET dashboard/statement": [_own_page("/dashboard/statement")],
    "GET dashboard/statement.csv": [_own_page("/dashboard/statement.csv")],
    "GET account": [_own_page("/account")],
    "GET account/keys": [_own_page("/account/keys")],
    "GET account/keys/<int:pk>/revoke": [_own_key],
    "GET account/export": [_own_page("/account/export")],
    "GET account/erase": [_own_page("/account/erase")],
    "GET account/embed": [_own_page("/account/embed")],
    "GET account/preferences": [_own_page("/account/preferences")],
    "GET embed": [_get("/embed")],
    "GET payment/success": [_get("/payment/success")],
    "GET payment/cancel": [_get("/payment/cancel")],
    "GET emails/off/<str:token>": [_unsubscribe],
    "POST auth/register": [_register],
    "GET user/balance": [_get("/user/balance")],
    "GET user/transactions": [_get("/user/transactions")],
    "GET user/transactions/<int:pk>/proof": [_prove],
    "GET user/preferences": [_get("/user/preferences")],
    "PATCH user/preferences": [
        lambda n: Request("/user/preferences", "PATCH", {"show_on_leaderboard": bool(n % 2)})
    ],
    "POST user/tokens": [lambda n: Request("/user/tokens", "POST", {"scope": "read"})],
    "GET user/export": [_get("/user/export")],
    "POST user/erase": [_erase],
    "GET user/api-keys": [_get("/user/api-keys")],
    "POST user/api-keys": [_make_key],
    "DELETE user/api-keys/<int:pk>": [_revoke],
    "GET referral/code": [_get("/referral/code")],
    "POST referral/generate": [lambda n: Request("/referral/generate", "POST")],
    "POST referral/claim": [_claim],
    "POST referral/validate": [lambda n: Request("/referral/validate", "POST", _CODE)],
    "GET referral/stats": [_get("/referral/stats")],
    "GET referral/explain": [_get("/referral/explain"), _get("/referral/explain?amount=1000")],
    "GET referral/leaderboard": _LEADERS,
    "POST api/stripe/webhook": [_settle],
    "GET api/stripe/payments": [_get("/api/stripe/payments")],
    "POST api/stripe/checkout-session": [
        lambda n: Request("/api/stripe/checkout-session", "POST", _ORDER)
    ],
    r"GET ^api/stripe/checkout-session/(?P<session_id>[A-Za-z0-9_]{1,255})\Z": [_session],
    "GET healthz": [_get("/healthz")],
    "GET readyz": [_get("/readyz")],
    "GET metrics": [lambda n: Request("/metrics", headers=(("Authorization", f"Bearer {TOKEN}"),))],
    "GET api/schema": [_get("/api/schema")],
    "GET api/docs": [_get("/api/docs")],
}


def routes() -> Iterator[str]:
    """Yield the method and the pattern of each endpoint of the program, but for the admin's."""
    yield from _routes(get_resolver().url_patterns, "")


def _routes(patterns: list[URLPattern | URLResolver], before: str) -> Iterator[str]:
    for each in patterns:
        path = before + str(each.pattern)
        if isinstance(each, URLResolver):
            if each.app_name != "admin":
                yield from _routes(each.url_patterns, path)
        elif getattr(each.callback, "cls", None) is not NoSuchEndpoint:
            methods = getattr(each.callback, "actions", None) or {"get": ""}
            page = getattr(each.callback, "view_class", View)
            offered = set(methods) & set(page.http_method_names) - {"head"}
            yield from (f"{method.upper()} {path}" for method in offered)


@contextmanager
def stripe_at_once() -> Iterator[None]:
    """Let Stripe answer at once: its time is not ours, and does not grow with our tables."""

    def create(*, payment_id: int, user_id: int, amount: int, **rest: Any) -> Any:
        return stripe_gateway.CheckoutSession(
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
