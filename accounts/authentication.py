"""Authenticates people by `Authorization: Bearer gw_live_…`, and operators by session."""

from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts import callers, throttling
from accounts.models import User


class AuthenticatedRequest(Request):
    """A request that passed ApiKeyAuthentication, so its user is a User."""

    user: User


class ApiKeyAuthentication(BaseAuthentication):
    """Authenticates by the API key; every invalid key gets the same 401."""

    def authenticate(self, request: Request) -> tuple[User, str] | None:
        """Return the user, and the key's row id."""
        # WSGI decodes any bytes as latin-1, so a header that is not ASCII is a wrong key, not an
        # error. Any other look-up than by META reads all headers first.
        scheme, _, text = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if not scheme:
            return None
        key = text.strip(" ") if scheme.lower() == "bearer" else ""
        try:
            user: Any = _query(request).authenticate(key, now=timezone.now())
        except callers.InvalidApiKeyError:
            throttling.limit_wrong_keys(request)
            raise AuthenticationFailed("Invalid API key.") from None
        structlog.contextvars.bind_contextvars(user_id=user.pk)
        return user, str(user.key_id)

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def _query(request: Request) -> callers.CallerQuery:
    """Return the query that finds the caller; a view set may have one for an action of its own."""
    view = request.parser_context["view"]
    queries: dict[str, callers.CallerQuery] = getattr(view, "caller_queries", {})
    return queries.get(getattr(view, "action", ""), callers.CALLER)


def operator(request: HttpRequest) -> User:
    """Return the user who is logged in to the admin. Raises PermissionDenied when nobody is."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user
