"""Django views of the API's endpoints: each answer in Stripe's wrapping, errors included."""

from collections.abc import Callable
from typing import TypeAlias

from django.http import HttpRequest, HttpResponse

from payments.sandbox.api_request import Answer, read_request, refused
from payments.sandbox.errors import ApiError, NotFound
from payments.sandbox.idempotency import answer_once
from payments.sandbox.identifiers import new_id
from payments.sandbox.objects import API_VERSION, Json

Endpoint: TypeAlias = Callable[..., Json]


def endpoints(**by_method: Endpoint) -> Callable[..., HttpResponse]:
    """Make a view of one address from what it does by HTTP method."""

    def respond(request: HttpRequest, **ids: str) -> HttpResponse:
        request_id = new_id("req", 14)
        try:
            api_request = read_request(request, request_id)
            endpoint = by_method.get(api_request.method)
            if endpoint is None:
                raise _unrecognized(request)
            answer = answer_once(api_request, lambda: endpoint(api_request, **ids))
        except ApiError as refusal:
            answer = refused(refusal)
        return _wrap(answer, request, request_id)

    return respond


def _unrecognized(request: HttpRequest) -> NotFound:
    return NotFound(
        f"Unrecognized request URL ({request.method}: {request.path}). Please see "
        "https://stripe.com/docs or we can help at https://support.stripe.com/."
    )


def _wrap(answer: Answer, request: HttpRequest, request_id: str) -> HttpResponse:
    response = HttpResponse(answer.body, status=answer.http_status, content_type="application/json")
    response["Request-Id"] = request_id
    response["Stripe-Version"] = _echoed(request, "Stripe-Version") or API_VERSION
    if _echoed(request, "Idempotency-Key"):
        response["Idempotency-Key"] = _echoed(request, "Idempotency-Key")
    if answer.is_replayed:
        response["Idempotent-Replayed"] = "true"
    if answer.http_status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="Stripe"'
    return response


def _echoed(request: HttpRequest, name: str) -> str:
    """Return a request header as far as it may stand in an answer."""
    value = request.headers.get(name, "")
    return value if value.isascii() and value.isprintable() else ""
