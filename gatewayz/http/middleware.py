"""Middleware of our own, and which paths belong to the API."""

from collections.abc import Callable
from functools import wraps

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

_View = Callable[[HttpRequest], HttpResponse]


def is_api_path(path: str) -> bool:
    return path.startswith(API_PREFIXES)


def is_call(path: str) -> bool:
    """Return whether it is a call to the API; its documentation is a page."""
    return is_api_path(path) and not path.startswith("/api/docs")


def before_view(act: Callable[[HttpRequest], HttpResponse | None]) -> Callable[[_View], _View]:
    """Make middleware of what is done to each request; a response that it returns is the answer."""

    @wraps(act)
    def middleware(get_response: _View) -> _View:
        def respond(request: HttpRequest) -> HttpResponse:
            refusal = act(request)
            return get_response(request) if refusal is None else refusal

        return respond

    return middleware


@before_view
def accept_trailing_slash(request: HttpRequest) -> None:
    """Serve `/user/balance/` as `/user/balance`, without a redirect (CONTRACT 1)."""
    if request.path_info.endswith("/") and is_api_path(request.path_info):
        request.path_info = request.path_info[:-1]


@before_view
def require_https(request: HttpRequest) -> HttpResponse | None:
    """Refuse a call to the API over plain HTTP (CONTRACT 1); Django redirects pages."""
    path = request.path_info
    is_plain = settings.SECURE_SSL_REDIRECT and not request.is_secure()
    if not is_plain or not is_call(path) or path in PROBES:
        return None
    # A redirect would turn a POST into a GET, and the key was already sent in the clear.
    detail = "Call the API over HTTPS."
    return JsonResponse({"detail": detail, "code": "https_required"}, status=403)


class CommonMiddleware(_Common):
    """Refuses a Host that is not ours, but to a probe: that has only our address."""

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        return None if request.path_info in PROBES else super().process_request(request)
