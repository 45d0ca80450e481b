"""What is answered when a request fails outside the API's own views: JSON or a page."""

from collections.abc import Callable
from http import HTTPStatus

import structlog
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import DisallowedHost
from django.db import Error as AnyDatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from rest_framework.exceptions import APIException

from gatewayz.adminbase.content_policy import as_unfold_needs
from gatewayz.api.database_errors import is_unavailable
from gatewayz.api.errors import RETRY_AFTER_SECONDS
from gatewayz.http.middleware import before_view, is_api_path

# What a page says; a program gets the name of the status.
_MESSAGES = {
    HTTPStatus.BAD_REQUEST: "We could not understand that request.",
    HTTPStatus.FORBIDDEN: "Your account may not do this. Ask somebody whose account may.",
    HTTPStatus.NOT_FOUND: "There is nothing at this address. It may be mistyped, or the page gone.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something failed on our side. Try again in a few minutes.",
    HTTPStatus.SERVICE_UNAVAILABLE: "We cannot answer right now. Nothing was changed; try again in"
    " a moment.",
}


def _error(
    request: HttpRequest, status: HTTPStatus, detail: str = "", code: str = ""
) -> HttpResponse:
    if is_api_path(request.path_info) or not request.accepts("text/html"):
        body = {"detail": detail or f"{status.phrase}.", "code": code or status.name.lower()}
        return JsonResponse(body, status=status)
    if status in _OF_THE_DESK and _is_at_the_desk(request):
        at_the_desk: HttpResponse = _desk_error(request, status, detail or _MESSAGES[status])
        return at_the_desk
    start = reverse("admin:index" if request.path_info.startswith("/admin/") else "home")
    page = {"status": status, "start": start, "detail": detail or _MESSAGES[status]}
    return render(request, "error.html", page, status=status)


# On these the menu of the desk stays: somebody went astray, and nothing has failed.
_OF_THE_DESK = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)


def _is_at_the_desk(request: HttpRequest) -> bool:
    """Return whether somebody who works at the desk asks for a page of it."""
    try:
        return request.path_info.startswith("/admin/") and admin.site.has_permission(request)
    except (AnyDatabaseError, AttributeError):  # no session was read, or none can be
        return False


@as_unfold_needs
def _desk_error(request: HttpRequest, status: HTTPStatus, detail: str) -> HttpResponse:
    page = {**admin.site.each_context(request), "title": status.phrase, "detail": detail}
    return render(request, "admin/error.html", page, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, DisallowedHost):
        structlog.contextvars.bind_contextvars(refused="unknown host")
        detail = "This server does not answer to the name by which it was called."
        return _error(request, HTTPStatus.BAD_REQUEST, detail, "unknown_host")
    return _error(request, HTTPStatus.BAD_REQUEST)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error(request, HTTPStatus.FORBIDDEN)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    detail = (
        "This form was open for too long, or your browser sent no cookie with it. Allow cookies"
        " for this site, load the page again, and send the form once more."
    )
    return _error(request, HTTPStatus.FORBIDDEN, detail)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error(request, HTTPStatus.NOT_FOUND)


@before_view
def refuse_bad_bodies(request: HttpRequest) -> HttpResponse | None:
    """Refuse a body that we would not read rightly, before a byte of it is read."""
    if "HTTP_TRANSFER_ENCODING" in request.META:
        # Django would take a body without a length for an empty one.
        detail = "Send the body with its Content-Length, not in chunks."
        return _error(request, HTTPStatus.LENGTH_REQUIRED, detail)
    # Before Django would spool an upload to the disk; nothing here takes files.
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if int(request.META.get("CONTENT_LENGTH") or 0) > most:
        detail = f"The body is larger than {most} bytes."
        return _error(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, "body_too_large")
    return None


def try_later(
    request: HttpRequest, status: HTTPStatus, *, seconds: int, detail: str = ""
) -> HttpResponse:
    """Refuse for now. It costs little, so that whoever is refused may ask often."""
    answer = _error(request, status, detail)
    answer.headers["Retry-After"] = str(seconds)
    return answer


def server_error(request: HttpRequest) -> HttpResponse:
    return _error(request, HTTPStatus.INTERNAL_SERVER_ERROR)


class TryLaterMiddleware:
    """Turns the error of a database that cannot serve, or of a rate limit, into a page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, AnyDatabaseError) and is_unavailable(exception):
            status = HTTPStatus.SERVICE_UNAVAILABLE
            return try_later(request, status, seconds=RETRY_AFTER_SECONDS)
        if isinstance(exception, APIException) and (wait := getattr(exception, "wait", None)):
            status = HTTPStatus(exception.status_code)
            return try_later(request, status, seconds=wait, detail=str(exception.detail))
        return None
