"""Middleware that only pages need: an API call has no session, no messages and no static file.

Each class passes a request to the API on, and does for any other what the library's own does.
"""

from typing import Any

from csp.middleware import CSPMiddleware as _Csp
from django.contrib.auth.middleware import AuthenticationMiddleware as _Authentication
from django.contrib.messages.middleware import MessageMiddleware as _Message
from django.contrib.sessions.middleware import SessionMiddleware as _Session
from django.http import HttpRequest
from django_otp.middleware import OTPMiddleware as _Otp
from whitenoise.middleware import WhiteNoiseMiddleware as _WhiteNoise

from gatewayz.http.middleware import is_call


class _PagesOnly:
    get_response: Any

    def __call__(self, request: HttpRequest) -> Any:
        if is_call(request.path_info):
            return self.get_response(request)
        return super().__call__(request)  # type: ignore[misc]


class WhiteNoiseMiddleware(_PagesOnly, _WhiteNoise):
    """Static files."""


class CSPMiddleware(_PagesOnly, _Csp):
    """What a page may load."""


class SessionMiddleware(_PagesOnly, _Session):
    """The session of a person or an operator."""


class AuthenticationMiddleware(_PagesOnly, _Authentication):
    """Who is logged in."""


class OTPMiddleware(_PagesOnly, _Otp):
    """Whether the operator has shown a second factor."""


class MessageMiddleware(_PagesOnly, _Message):
    """Messages that the next page shows."""
