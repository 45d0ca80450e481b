"""Middleware of our own, and which paths belong to the API."""

import re
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

# The API's paths; everything else is a page.
API_PREFIXES = ("/api/", "/auth/", "/referral/", "/user/", "/healthz", "/readyz")

_SESSION_KEY = re.compile(r"[a-z0-9]{32}", re.ASCII)


def is_api_path(path: str) -> bool:
    return path.startswith(API_PREFIXES)


def drop_malformed_session(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Drop a session cookie that is not ours: PostgreSQL raises on a NUL in a look-up."""

    def middleware(request: HttpRequest) -> HttpResponse:
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
