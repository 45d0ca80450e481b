"""Middleware that only pages need: an API call has no session, no messages and no static file."""

from typing import Any

from csp.middleware import CSPMiddleware as _Csp
from django.contrib.auth.middleware import AuthenticationMiddleware as _Authentication
from django.contrib.messages.middleware import MessageMiddleware as _Message
from django.contrib.sessions.middleware import SessionMiddleware as _Session
from django.http import HttpRequest
from django_otp.middleware import OTPMiddleware as _Otp
from whitenoise.middleware import WhiteNoiseMiddleware as _WhiteNoise

from gatewayz.http.middleware import is_call


def _pages_only(library: Any) -> Any:
    """Return the library's middleware, which passes a request to the API on."""

    def call(self: Any, request: HttpRequest) -> Any:
        if is_call(request.path_info):
            return self.get_response(request)
        return library.__call__(self, request)

    return type(library.__name__, (library,), {"__call__": call})


WhiteNoiseMiddleware = _pages_only(_WhiteNoise)
CSPMiddleware = _pages_only(_Csp)
SessionMiddleware = _pages_only(_Session)
AuthenticationMiddleware = _pages_only(_Authentication)
OTPMiddleware = _pages_only(_Otp)
MessageMiddleware = _pages_only(_Message)
