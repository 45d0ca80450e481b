"""Remembers by whose code a visitor came, until they sign up."""

from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse

_NAME = "invitation"
_KEPT_FOR = timedelta(days=30)


def read(request: HttpRequest) -> str:
    """Return the code; empty if there is none, it is too old or not of ours."""
    code: str = request.get_signed_cookie(_NAME, default="", max_age=_KEPT_FOR) or ""
    return code


def keep(response: HttpResponse, code: str) -> None:
    response.set_signed_cookie(
        _NAME,
        code,
        max_age=_KEPT_FOR,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def forget(response: HttpResponse) -> None:
    response.delete_cookie(_NAME, samesite="Lax")
