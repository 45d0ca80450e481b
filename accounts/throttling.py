"""Where the API's limits stand: at each endpoint, and behind a wrong key."""

from math import ceil

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts import limits
from gatewayz.http.client_address import client_address


class TooManyRequests(APIException):
    """The caller has used up a limit."""

    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    default_code = "too_many_requests"

    def __init__(self, refusal: limits.LimitReachedError) -> None:
        self.wait = max(1, ceil(refusal.wait.total_seconds()))
        super().__init__(f"Too many requests. Try again in {self.wait} s.")


class RequestThrottle(BaseThrottle):
    """Limits each endpoint by its `throttle_scope`; without one by the key that it is called with.

    Register and validate are open to all, so they are counted by address.
    """

    def allow_request(self, request: Request, view: object) -> bool:
        what = getattr(view, "throttle_scope", None)
        if what is not None:
            _limit_request(what, client_address(request))
        elif request.auth is not None:
            _limit_request("api", str(request.auth))
        return True


def limit_wrong_keys(request: HttpRequest) -> None:
    """Count a wrong key of this address. Raises TooManyRequests.

    The key has been looked up by now, which costs no more than to look whether the address may
    still try; and so a right key works always, whatever somebody else behind the same address
    does. Nobody guesses 256 bits: the limit is there to slow noise down, and to show it.
    """
    _limit_request("wrong_key", client_address(request))


def _limit_request(what: str, who: str) -> None:
    rate = settings.RATE_LIMITS[what]
    if rate is None:
        return
    most, period = rate
    try:
        limits.use(what=what, who=who, most=most, period=period, now=timezone.now())
    except limits.LimitReachedError as refusal:
        raise TooManyRequests(refusal) from refusal
