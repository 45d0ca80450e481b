"""The pages outside any app: the front door, the pay page's way back, and errors."""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from gatewayz.api_errors import RETRY_AFTER_SECONDS
from gatewayz.middleware import is_api_path


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "home.html")


@require_safe
def payment_success(request: HttpRequest) -> HttpResponse:
    return render(request, "payment/success.html")


@require_safe
def payment_cancel(request: HttpRequest) -> HttpResponse:
    return render(request, "payment/cancel.html")


class NoSuchEndpoint(APIView):
    """Answers in JSON where the API has nothing."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NotFound("There is nothing at this path; see /api/docs.")


def _error(request: HttpRequest, status: HTTPStatus) -> HttpResponse:
    if is_api_path(request.path) or not request.accepts("text/html"):
        code = status.name.lower()
        return JsonResponse({"detail": f"{status.phrase}.", "code": code}, status=status)
    start = "/admin/" if request.path.startswith("/admin/") else "/"
    return render(request, "error.html", {"status": status, "start": start}, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error(request, HTTPStatus.BAD_REQUEST)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error(request, HTTPStatus.FORBIDDEN)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error(request, HTTPStatus.NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    return _error(request, HTTPStatus.INTERNAL_SERVER_ERROR)


def unavailable(request: HttpRequest) -> HttpResponse:
    response = _error(request, HTTPStatus.SERVICE_UNAVAILABLE)
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response
