"""What is measured, and `GET /metrics`, which shows it to Prometheus.

Counters and timings are kept by each process; with PROMETHEUS_MULTIPROC_DIR set to a folder that
the workers of a machine share, they are the sum of these. What waits for an operator is read from
the database when it is asked for, and so is the same everywhere.
"""

import os
import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from drf_spectacular.utils import extend_schema
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

REQUESTS = Counter(
    "gatewayz_requests", "Requests that were answered.", ["route", "method", "status"]
)
REQUEST_SECONDS = Histogram(
    "gatewayz_request_seconds", "How long an answer took.", ["route", "method"]
)
WEBHOOK_EVENTS = Counter(
    "gatewayz_webhook_events",
    "Events that Stripe signed, by what became of them.",
    ["type", "outcome"],
)
WEBHOOK_REFUSALS = Counter(
    "gatewayz_webhook_refusals",
    "Requests to the webhook that were no event of Stripe's.",
    ["reason"],
)
WEBHOOK_FAILURES = Counter(
    "gatewayz_webhook_failures", "Events whose processing broke off; Stripe delivers them again."
)
SETTLEMENT_SECONDS = Histogram(
    "gatewayz_settlement_seconds", "How long it took to process an event, locks included."
)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def requests_are_counted(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Count and time each request by the route that it matched: no caller can add a label."""

    def middleware(request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        response = get_response(request)
        route = request.resolver_match.route if request.resolver_match else "unmatched"
        method = request.method if request.method in _METHODS else "other"
        REQUEST_SECONDS.labels(route, method).observe(time.perf_counter() - started)
        REQUESTS.labels(route, method, response.status_code).inc()
        return response

    return middleware


# Gauges that are read from the database; the apps register their collectors here.
GAUGES = CollectorRegistry()


class MetricsTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer` with METRICS_TOKEN."""

    def authenticate(self, request: Request) -> None:
        expected = f"Bearer {settings.METRICS_TOKEN}"
        if not constant_time_compare(get_authorization_header(request), expected):
            raise AuthenticationFailed("Show METRICS_TOKEN as a bearer token.")

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class MetricsView(APIView):
    """The page that Prometheus scrapes; without a token it is there in development only."""

    permission_classes = (AllowAny,)

    def get_authenticators(self) -> list[BaseAuthentication]:
        return [MetricsTokenAuthentication()] if settings.METRICS_TOKEN else []

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        if not (settings.METRICS_TOKEN or settings.DEBUG):
            raise NotFound
        shown = generate_latest(_counted()) + generate_latest(GAUGES)
        return HttpResponse(shown, content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _counted() -> CollectorRegistry:
    """Return what this process counted, or all of the machine together."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return registry
