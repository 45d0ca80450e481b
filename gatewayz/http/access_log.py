"""Logs one line a request, and gives each request an id that all of its lines carry."""

import re
import time
import uuid
from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request

from gatewayz.http import logs

_ID = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
_STARTED = "gatewayz.started"


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
        structlog.contextvars.bind_contextvars(request_id=request_id)
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
