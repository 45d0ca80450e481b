"""The endpoints of Stripe's API that the program calls, and no others."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial, wraps
from typing import TypeVar

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from payments.sandbox import balance
from payments.sandbox.checkout import open_session
from payments.sandbox.errors import ApiError
from payments.sandbox.idempotency import answer_once
from payments.sandbox.models import CheckoutSession, Event, PaymentIntent, StripeModel
from payments.sandbox.objects import Json, as_json, event_json

Row = TypeVar("Row", bound=StripeModel)

_PRICE = "line_items[0][price_data]"
_NAME = f"{_PRICE}[product_data][name]"
_AMOUNT = f"{_PRICE}[unit_amount]"
# The sandbox sells one item in US dollars, as the program does.
_FIXED = {"mode": "payment", "line_items[0][quantity]": "1", f"{_PRICE}[currency]": "usd"}
_REQUIRED = (*_FIXED, _NAME, _AMOUNT, "success_url", "cancel_url")
# Stripe's largest amount is $999,999.99.
_CENTS = re.compile(r"[1-9][0-9]{0,7}", re.ASCII)
_PAGING = ("limit", "starting_after", "created[gte]", "created[lt]")


def stripe_api(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Let only test keys in, and answer refusals in Stripe's JSON."""

    @wraps(view)
    def answer(request: HttpRequest, **ids: str) -> HttpResponse:
        try:
            _require_test_key(request)
            return view(request, **ids)
        except ApiError as refusal:
            return refusal.response()

    return answer


@stripe_api
def checkout_sessions(request: HttpRequest) -> HttpResponse:
    """Open a checkout session (POST), or list those with a `status` (GET)."""
    if request.method == "POST":
        return answer_once(request, lambda: _open_session(request))
    _refuse_unknown(request.GET, ("status", *_PAGING))
    sessions = CheckoutSession.objects.all()
    if "status" in request.GET:
        sessions = sessions.filter(status=request.GET["status"])
    return _page(request, sessions, as_json)


@stripe_api
def payment_intent(request: HttpRequest, intent_id: str) -> HttpResponse:
    """Return a payment intent, with its latest charge in full when `expand` says so."""
    _refuse_unknown(request.GET, ("expand[0]",))
    intent = PaymentIntent.find(intent_id)
    answer = as_json(intent)
    charge = intent.charges.order_by("-id").first()
    if charge and request.GET.get("expand[0]") == "latest_charge":
        answer["latest_charge"] = as_json(charge)
    return JsonResponse(answer)


@stripe_api
def events(request: HttpRequest) -> HttpResponse:
    """List events, perhaps only those of some `types`."""
    _refuse_unknown(request.GET, _PAGING, prefixes=("types[",))
    types = [value for name, value in request.GET.items() if name.startswith("types[")]
    found = Event.objects.filter(type__in=types) if types else Event.objects.all()
    return _page(request, found, event_json)


@stripe_api
def balance_transactions(request: HttpRequest) -> HttpResponse:
    """List what moved the balance, with each source in full when `expand` says so."""
    _refuse_unknown(request.GET, ("expand[0]", *_PAGING))
    is_expanded = request.GET.get("expand[0]") == "data.source"
    describe = partial(balance.transaction_json, is_expanded=is_expanded)
    return _page(request, balance.moving_events(), describe, row_id=balance.event_id)


@stripe_api
def payouts(request: HttpRequest) -> HttpResponse:
    """List the payouts on one page: there is at most one a day."""
    _refuse_unknown(request.GET, _PAGING)
    first, end = (int(request.GET.get(f"created[{end}]", 0)) for end in ("gte", "lt"))
    found = [
        payout
        for payout in balance.payouts(now=timezone.now())
        if first <= payout["created"] and (not end or payout["created"] < end)
    ]
    return _list(request, found, has_more=False)


@stripe_api
def unknown(request: HttpRequest) -> HttpResponse:
    """Say that the sandbox does not have this endpoint."""
    raise ApiError(
        f"Unrecognized request URL ({request.method}: {request.path}). "
        "The sandbox has only the endpoints that the program calls.",
        status=404,
    )


def _require_test_key(request: HttpRequest) -> None:
    scheme, _, api_key = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer" or not api_key.startswith("sk_test_"):
        raise ApiError("The sandbox takes only test keys (sk_test_…), as Bearer.", status=401)


def _open_session(request: HttpRequest) -> Json:
    sent = {name: str(value) for name, value in request.POST.items()}
    _check_session_parameters(sent)
    session = open_session(
        base_url=f"{request.scheme}://{request.get_host()}",
        now=timezone.now(),
        amount_total=int(sent[_AMOUNT]),
        product_name=sent[_NAME],
        success_url=sent["success_url"],
        cancel_url=sent["cancel_url"],
        client_reference_id=sent.get("client_reference_id"),
        metadata=_fields_of(sent, "metadata"),
        payment_intent_metadata=_fields_of(sent, "payment_intent_data[metadata]"),
    )
    return as_json(session)


def _check_session_parameters(sent: Mapping[str, str]) -> None:
    for name in _REQUIRED:
        if not sent.get(name):
            raise ApiError(f"Missing required param: {name}.", code="parameter_missing")
    for name, value in _FIXED.items():
        if sent[name] != value:
            raise ApiError(f"Invalid {name}: must be {value}")
    if not _CENTS.fullmatch(sent[_AMOUNT]):
        raise ApiError(f"Invalid integer: {_AMOUNT}", code="parameter_invalid_integer")
    metadata = ("metadata[", "payment_intent_data[metadata][")
    _refuse_unknown(sent, (*_REQUIRED, "client_reference_id"), prefixes=metadata)


def _refuse_unknown(
    sent: Iterable[str], known: Collection[str], *, prefixes: tuple[str, ...] = ()
) -> None:
    """Refuse a parameter that would otherwise have no effect, without anybody noticing."""
    for name in sent:
        if name not in known and not name.startswith(prefixes):
            raise ApiError(f"Received unknown parameter: {name}", code="parameter_unknown")


def _fields_of(sent: Mapping[str, str], parent: str) -> dict[str, str]:
    """Return `{"b": "1"}` for the parent `a` when `a[b]=1` was sent."""
    start = f"{parent}["
    return {
        name.removeprefix(start).removesuffix("]"): value
        for name, value in sent.items()
        if name.startswith(start)
    }


def _page(
    request: HttpRequest,
    rows: QuerySet[Row],
    describe: Callable[[Row], Json],
    row_id: Callable[[str], str] = str,
) -> HttpResponse:
    """Return one page of rows, newest first; `row_id` is that of the row which an id stands for."""
    sent = request.GET
    for end in ("gte", "lt"):
        if (seconds := sent.get(f"created[{end}]")) is not None:
            moment = datetime.fromtimestamp(int(seconds), UTC)
            rows = rows.filter(**{f"created_at__{end}": moment})
    if "starting_after" in sent:
        rows = rows.filter(pk__lt=rows.model.find(row_id(sent["starting_after"])).pk)
    limit = int(sent.get("limit", 10))
    found = list(rows.order_by("-id")[: limit + 1])
    return _list(request, [describe(row) for row in found[:limit]], has_more=len(found) > limit)


def _list(request: HttpRequest, data: list[Json], *, has_more: bool) -> HttpResponse:
    return JsonResponse({"object": "list", "data": data, "has_more": has_more, "url": request.path})
