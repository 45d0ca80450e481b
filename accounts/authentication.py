"""`Authorization: Bearer gw_live_…` for the REST API."""

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts import api_keys
from accounts.models import User


class AuthenticatedRequest(Request):
    """A request that passed this door: its user is one of ours."""

    user: User


class ApiKeyAuthentication(BaseAuthentication):
    """Knows the caller by the key; every way of being wrong is the same 401."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        scheme, _, text = get_authorization_header(request).decode("latin-1").partition(" ")
        if not scheme:
            return None
        if scheme.lower() != "bearer":
            raise AuthenticationFailed("Invalid API key.")
        try:
            user = api_keys.identify(text.strip(" "), now=timezone.now())
        except api_keys.UnknownApiKeyError:
            raise AuthenticationFailed("Invalid API key.") from None
        return user, None

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
