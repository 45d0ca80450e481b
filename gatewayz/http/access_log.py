"""Logs one line a request, and gives each request an id that all of its lines carry."""

import hmac
import re
import time
import uuid
from collections.abc import Callable
from functools import lru_cache

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request

from gatewayz.http import logs
from gatewayz.http.client_address import client_address

_ID = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
_STARTED = "gatewayz.started"
_DAY = 24 * 3600


def pseudonym(address: str, *, at: float | None = None) -> str:
    """Return what stands for this address in the log on one day (UTC), in place of the address.

    `at` is seconds since 1970; now by default.
    """
    # Each day has a key of its own: nobody is followed by the log for longer.
    day = int(time.time() if at is None else at) // _DAY
    digest = hmac.digest(_key_of(day, settings.SECRET_KEY), address.encode(), "sha256")
    # Digits alone would be taken for the number of a card.
    return f"c{digest[:8].hex()}"


@lru_cache(maxsize=2)
def _key_of(day: int, secret: str) -> bytes:
    return hmac.digest(secret.encode(), f"gatewayz.http.access_log {day}".encode(), "sha256")


def started(request: HttpRequest | Request) -> float:
    """Return when the request arrived, by `time.monotonic`."""
    moment: float = request.META[_STARTED]
    return moment


def log_requests(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Log method, path and status, without the query, which may hold somebody's e-mail.

    The id is the proxy's `X-Request-ID`, if it has that form.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        request.META[_STARTED] = time.monotonic()
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = given if _ID.fullmatch(given) else str(uuid.uuid4())
        structlog.contextvars.clear_contextvars()
        caller = pseudonym(client_address(request))
        structlog.contextvars.bind_contextvars(request_id=request_id, caller=caller)
        response = get_response(request)
        if request.path.startswith(settings.STATIC_URL):  # only in development
            return response
        logs.write_access_line(
            request=logs.redact(None, "", f"{request.method} {request.path}"),
            code=response.status_code,
            ms=round((time.monotonic() - started(request)) * 1000, 1),
        )
        return response

    return middleware
