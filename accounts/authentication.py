"""Authenticates people by `Authorization: Bearer`, a key or a token, and operators by session."""

from typing import Any

import structlog
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from accounts import callers, throttling, tokens
from accounts.models import User


class AuthenticatedRequest(Request):
    """A request that passed ApiKeyAuthentication, so its user is a User."""

    user: User


class ApiKeyAuthentication(BaseAuthentication):
    """Authenticates by an API key or a token; every invalid one gets the same 401."""

    def authenticate(self, request: Request) -> tuple[User, str] | None:
        """Return the user, and the key's row id."""
        # WSGI decodes any bytes as latin-1, so a header that is not ASCII is a wrong key, not an
        # error. Any other look-up than by META reads all headers first.
        scheme, _, text = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if not scheme:
            return None
        key = text.strip(" ") if scheme.lower() == "bearer" else ""
        try:
            user: Any = _caller(request, key)
        except callers.InvalidApiKeyError:
            # Counted after the look-up, which costs no more than a look at the limit before it. So
            # a valid key always works, whatever others behind the same address send. The limit is
            # not against guessing (a key has 256 random bits); it slows noise down and shows it.
            throttling.limit_address("wrong_key", request)
            raise AuthenticationFailed("Invalid API key.") from None
        structlog.contextvars.bind_contextvars(user_id=user.pk)
        return user, str(user.key_id)

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class InsufficientScope(PermissionDenied):
    """The token is not good for this call."""

    default_detail = "This token is not good for this call; use another token, or your API key."
    default_code = "insufficient_scope"


def _caller(request: Request, text: str) -> User:
    """Return the caller. Raises InvalidApiKeyError and InsufficientScope."""
    query, now = _query(request), timezone.now()
    if not text.startswith(tokens.PREFIX):
        return query.authenticate(text, now=now)
    token = tokens.read(text)
    user = query.by_token(user_id=token.user_id, key_id=token.key_id, now=now)
    # No call is open to tokens unless its view says so.
    view = request.parser_context["view"]
    needed = getattr(view, "token_scopes", {}).get(getattr(view, "action", None))
    if not token.scope.includes(needed):
        raise InsufficientScope
    return user


def _query(request: Request) -> callers.CallerQuery:
    """Return the query that finds the caller; a view set may have one for an action of its own."""
    view = request.parser_context["view"]
    queries: dict[str, callers.CallerQuery] = getattr(view, "caller_queries", {})
    return queries.get(getattr(view, "action", ""), callers.CALLER)


def operator(request: HttpRequest) -> User:
    """Return the user who is logged in to the admin. Raises PermissionDenied when nobody is."""
    if not isinstance(request.user, User):
        raise DjangoPermissionDenied
    return request.user
