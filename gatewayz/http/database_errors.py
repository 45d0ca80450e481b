"""Answers 503 when the database fails during a page; `api.errors` does it for the API."""

from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse

from gatewayz.http import error_pages


class DatabaseErrorMiddleware:
    """Turns an error of a database that is down, full or blocked into a page that says so."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, OperationalError | InterfaceError):
            return error_pages.unavailable(request)
        return None
