"""Applies the rate limits to API requests, and to wrong API keys."""

from math import ceil

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts import limits
from gatewayz.http.client_address import client_address, client_site

# All of an IPv6 /48 together have this many times the limit of one /64.
ADDRESSES_OF_A_SITE = 8


class TooManyRequests(APIException):
    """The caller has reached a limit."""

    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    default_code = "too_many_requests"

    def __init__(self, error: limits.LimitReachedError) -> None:
        self.wait = max(1, ceil(error.wait.total_seconds()))
        super().__init__(f"Too many requests. Try again in {self.wait} s.")


class RequestThrottle(BaseThrottle):
    """Limits an endpoint with a `throttle_scope` by address, and any other by person.

    Register and validate have a scope: they can be called without a key.
    """

    def allow_request(self, request: Request, view: object) -> bool:
        scope = getattr(view, "throttle_scope", None)
        if scope is not None:
            limit_address(scope, request)
        elif request.auth is not None:
            limit_person(request.user.pk)
        return True


def limit_person(user_id: int | None) -> None:
    """Count one request of a person, whatever key or page it came by. Raises TooManyRequests."""
    # Not the key: a person makes as many of them as they like.
    limit_subject("api", str(user_id))


def limit_address(action: str, request: HttpRequest | Request) -> None:
    """Count `action` for the caller's address. Raises TooManyRequests."""
    if settings.RATE_LIMITS[action] is None:
        return
    limit_subject(action, client_address(request))
    # After the narrower one, so that a caller above the limit does not use up the neighbours'.
    if site := client_site(request):
        limit_subject(action, site, times=ADDRESSES_OF_A_SITE)


def limit_subject(action: str, subject: str, *, times: int = 1) -> None:
    """Count `action` for whom or what it is about, up to `times` the limit.

    Raises TooManyRequests.
    """
    rate = settings.RATE_LIMITS[action]
    if rate is None:
        return
    limit, period = rate
    limit *= times
    try:
        limits.count(action=action, caller=subject, limit=limit, period=period, now=timezone.now())
    except limits.LimitReachedError as error:
        raise TooManyRequests(error) from error
