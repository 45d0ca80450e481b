"""One request to the API: who asks, and what for; and the answer it gets."""

import base64
import binascii
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest
from django.utils import timezone

from payments.sandbox.errors import ApiError, AuthenticationFailed, InvalidParameter
from payments.sandbox.events import Cause
from payments.sandbox.form_encoding import Tree, decode
from payments.sandbox.objects import Json

_API_KEY = re.compile(r"[rs]k_test_[A-Za-z0-9_]+")
_LONGEST_IDEMPOTENCY_KEY = 255


@dataclass(frozen=True)
class ApiRequest:
    """What an endpoint needs to know of the HTTP request."""

    method: str
    path: str
    parameters: Tree
    api_key: str
    idempotency_key: str | None
    request_id: str
    base_url: str
    now: datetime

    @property
    def cause(self) -> Cause:
        """Return what an event tells about the request that made it."""
        return Cause(self.request_id, self.idempotency_key)


@dataclass(frozen=True)
class Answer:
    """A status and a body, either just made or replayed from the first time."""

    http_status: int
    body: str
    is_replayed: bool = False


def performed(perform: Callable[[], Json]) -> Answer:
    """Return what an endpoint answers."""
    return Answer(200, _dump(perform()))


def refused(refusal: ApiError) -> Answer:
    """Return the answer that tells a refusal."""
    return Answer(refusal.http_status, _dump(refusal.as_json()))


def _dump(body: Json) -> str:
    return json.dumps(body, indent=2) + "\n"


def base_url(request: HttpRequest) -> str:
    """Return the address under which the caller reached the sandbox."""
    return f"{request.scheme}://{request.get_host()}"


def read_request(request: HttpRequest, request_id: str) -> ApiRequest:
    """Read who asks and what for; raise an ApiError for a request that Stripe would not take."""
    api_key = _authenticate(request.headers.get("Authorization", ""))
    sent = request.META.get("QUERY_STRING", "")
    if request.method == "POST":
        sent = "&".join(part for part in (sent, request.body.decode(errors="replace")) if part)
    return ApiRequest(
        method=request.method or "",
        path=request.path.rstrip("/"),
        parameters=decode(sent),
        api_key=api_key,
        idempotency_key=_idempotency_key(request),
        request_id=request_id,
        base_url=base_url(request),
        now=timezone.now(),
    )


def _authenticate(header: str) -> str:
    """Return the API key of an Authorization header, given as a bearer or as a user name."""
    scheme, _, credentials = header.partition(" ")
    api_key = credentials.strip()
    if scheme.lower() == "basic":
        try:
            api_key = base64.b64decode(api_key, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            api_key = ""
    if not api_key:
        raise AuthenticationFailed(
            "You did not provide an API key. You need to provide your API key in the Authorization "
            "header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See "
            "https://stripe.com/docs/api#authentication for details, or we can help at "
            "https://support.stripe.com/."
        )
    if api_key.startswith(("sk_live_", "rk_live_")):
        raise AuthenticationFailed(
            "This is a local sandbox: it takes test mode keys (sk_test_...) only, but a live mode "
            "key was used to make this request."
        )
    if not _API_KEY.fullmatch(api_key):
        raise AuthenticationFailed(f"Invalid API Key provided: {api_key[:8]}****{api_key[-4:]}")
    return api_key


def _idempotency_key(request: HttpRequest) -> str | None:
    key = request.headers.get("Idempotency-Key") or None
    if key and (len(key) > _LONGEST_IDEMPOTENCY_KEY or not key.isprintable()):
        raise InvalidParameter(
            f"Idempotency keys can be at most {_LONGEST_IDEMPOTENCY_KEY} printable characters."
        )
    return key
