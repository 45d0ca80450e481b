"""The pages that belong to no app: the home page, and the return pages of checkout."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView


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
    """Answers 404 in JSON for unknown paths of the API."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NotFound("There is nothing at this path; see /api/docs.")
