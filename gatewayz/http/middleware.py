"""What is done with each request before it is routed, and what of the paths is the API."""

import re
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

# What belongs to the API; everything else is a page.
API_PREFIXES = ("/api/", "/auth/", "/referral/", "/user/", "/healthz", "/readyz")

_SESSION_KEY = re.compile(r"[a-z0-9]{32}", re.ASCII)


def is_api_path(path: str) -> bool:
    return path.startswith(API_PREFIXES)


def malformed_session_is_none(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Forget a session cookie that we cannot have set: PostgreSQL refuses to look for a NUL."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if not _SESSION_KEY.fullmatch(request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")):
            request.COOKIES.pop(settings.SESSION_COOKIE_NAME, None)
        return get_response(request)

    return middleware


def trailing_slash_is_optional(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Serve `/user/balance/` as `/user/balance`, without a redirect (CONTRACT 1)."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path_info.endswith("/") and is_api_path(request.path_info):
            request.path_info = request.path_info[:-1]
        return get_response(request)

    return middleware
