"""The metrics, and `GET /metrics`, where Prometheus reads them.

Each process keeps its own counters and timings. With PROMETHEUS_MULTIPROC_DIR, a folder that the
workers of one machine share, they are summed up. Gauges are read from the database on request.
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

REQUESTS = Counter("gatewayz_requests", "Requests answered.", ["route", "method", "status"])
REQUEST_SECONDS = Histogram(
    "gatewayz_request_seconds", "Time to answer a request.", ["route", "method"]
)
WEBHOOK_EVENTS = Counter(
    "gatewayz_webhook_events",
    "Events signed by Stripe, by outcome.",
    ["type", "outcome"],
)
WEBHOOK_REFUSALS = Counter(
    "gatewayz_webhook_refusals",
    "Requests to the webhook that were not an event of Stripe.",
    ["reason"],
)
WEBHOOK_FAILURES = Counter(
    "gatewayz_webhook_failures", "Events whose processing failed; Stripe delivers them again."
)
SETTLEMENT_SECONDS = Histogram(
    "gatewayz_settlement_seconds", "Time to process an event, lock waits included."
)

LOG_IN_FAILURES = Counter("gatewayz_log_in_failures", "Wrong attempts to log in to the admin.")

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def count_requests(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Count and time each request by its route: a path would let callers add labels."""

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
            raise AuthenticationFailed("Send METRICS_TOKEN as a bearer token.")

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class MetricsView(APIView):
    """The page that Prometheus scrapes. Without METRICS_TOKEN it exists in development only."""

    permission_classes = (AllowAny,)

    def get_authenticators(self) -> list[BaseAuthentication]:
        return [MetricsTokenAuthentication()] if settings.METRICS_TOKEN else []

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        if not (settings.METRICS_TOKEN or settings.DEBUG):
            raise NotFound
        text = generate_latest(_counters()) + generate_latest(GAUGES)
        return HttpResponse(text, content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _counters() -> CollectorRegistry:
    """Return the counters of this process, or of all workers of the machine."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return registry
