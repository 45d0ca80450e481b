"""Middleware of our own, and which paths belong to the API."""

import re
from collections.abc import Callable

from django.conf import settings
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponsePermanentRedirect,
    JsonResponse,
)
from django.middleware.common import CommonMiddleware as _Common

# What asks for them knows our address alone, and no certificate.
PROBES = frozenset({"/healthz", "/healthz/", "/readyz", "/readyz/"})
# The API's paths; everything else is a page.
API_PREFIXES = ("/api/", "/auth/", "/referral/", "/user/", "/healthz", "/readyz")

_SESSION_KEY = re.compile(r"[a-z0-9]{32}", re.ASCII)


def is_api_path(path: str) -> bool:
    return path.startswith(API_PREFIXES)


def is_call(path: str) -> bool:
    """Return whether it is a call to the API; its documentation is a page."""
    return is_api_path(path) and not path.startswith("/api/docs")


def drop_malformed_session(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Drop a session cookie that is not ours: PostgreSQL raises on a NUL in a look-up."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if is_call(request.path_info):
            return get_response(request)
        if not _SESSION_KEY.fullmatch(request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")):
            request.COOKIES.pop(settings.SESSION_COOKIE_NAME, None)
        return get_response(request)

    return middleware


def accept_trailing_slash(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Serve `/user/balance/` as `/user/balance`, without a redirect (CONTRACT 1)."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path_info.endswith("/") and is_api_path(request.path_info):
            request.path_info = request.path_info[:-1]
        return get_response(request)

    return middleware


def require_https(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Refuse a call to the API over plain HTTP (CONTRACT 1); Django redirects pages."""

    def middleware(request: HttpRequest) -> HttpResponse:
        path = request.path_info
        is_plain = settings.SECURE_SSL_REDIRECT and not request.is_secure()
        if is_plain and is_call(path) and path not in PROBES:
            # A redirect would turn a POST into a GET, and the key was already sent in the clear.
            detail = "Call the API over HTTPS."
            return JsonResponse({"detail": detail, "code": "https_required"}, status=403)
        return get_response(request)

    return middleware


class CommonMiddleware(_Common):
    """Refuses a Host that is not ours, but to a probe: that has only our address."""

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        return None if request.path_info in PROBES else super().process_request(request)
