"""The endpoints of Stripe's API that the program uses."""

from typing import Any

from django.db.models import Exists, OuterRef

from payments.sandbox import checkout
from payments.sandbox.api_request import ApiRequest
from payments.sandbox.errors import InvalidParameter, no_such
from payments.sandbox.events import event_json
from payments.sandbox.expansion import expand
from payments.sandbox.listing import EXPAND, list_page, read_list_parameters
from payments.sandbox.models import Charge, CheckoutSession, Delivery, Event, PaymentIntent
from payments.sandbox.objects import (
    Json,
    charge_json,
    payment_intent_json,
    session_json,
    timestamp,
)
from payments.sandbox.parameters import (
    Reader,
    boolean,
    choice,
    currency,
    email,
    integer,
    list_of,
    mapping,
    metadata,
    read_all,
    text,
    url,
)

LARGEST_AMOUNT = 99_999_999
SHORTEST_LIFE_SECONDS = 30 * 60

_PRODUCT = mapping({"name": text(), "description": text()}, required=("name",))
_PRICE = mapping(
    {
        "currency": currency("usd", "eur", "gbp"),
        "unit_amount": integer(1),
        "product_data": _PRODUCT,
    },
    required=("currency", "product_data", "unit_amount"),
)
_LINE_ITEM = mapping(
    {"price_data": _PRICE, "quantity": integer(1, 999_999)}, required=("price_data", "quantity")
)
_NEW_SESSION: dict[str, Reader] = {
    **EXPAND,
    "mode": choice("payment"),
    "line_items": list_of(_LINE_ITEM),
    "success_url": url,
    "cancel_url": url,
    "client_reference_id": text(200),
    "customer_email": email,
    "metadata": metadata,
    "payment_intent_data": mapping({"metadata": metadata, "description": text(1000)}),
    "payment_method_types": list_of(choice("card", "us_bank_account")),
    "expires_at": integer(0, 32503680000),
}


def create_session(request: ApiRequest) -> Json:
    """Open a checkout session."""
    parameters = read_all(
        request.parameters, _NEW_SESSION, required=("mode", "line_items", "success_url")
    )
    _check_life(parameters.get("expires_at"), timestamp(request.now))
    coin, amount = _total(parameters["line_items"])
    session = checkout.create_session(
        parameters=parameters,
        currency=coin,
        amount=amount,
        base_url=request.base_url,
        now=request.now,
    )
    return expand(session_json(session), parameters.get("expand", []))


def retrieve_session(request: ApiRequest, session_id: str) -> Json:
    """Return one checkout session."""
    session = _find_session(session_id)
    return expanded(request, session_json(session))


def expire_session(request: ApiRequest, session_id: str) -> Json:
    """Close an open checkout session."""
    read_all(request.parameters, EXPAND)
    _find_session(session_id)
    session = checkout.expire_session(session_id=session_id, now=request.now, cause=request.cause)
    return expanded(request, session_json(session))


def list_sessions(request: ApiRequest) -> Json:
    """Return checkout sessions."""
    filters = {
        "status": choice(*CheckoutSession.Status.values),
        "payment_intent": text(),
    }
    parameters = read_list_parameters(request, filters)
    rows = CheckoutSession.objects.all()
    if "status" in parameters:
        rows = rows.filter(status=parameters["status"])
    if "payment_intent" in parameters:
        rows = rows.filter(payment_intent__stripe_id=parameters["payment_intent"])
    return list_page(request, rows, session_json, parameters)


def retrieve_payment_intent(request: ApiRequest, intent_id: str) -> Json:
    """Return one payment intent."""
    intent = PaymentIntent.objects.select_related("session").filter(stripe_id=intent_id).first()
    if intent is None:
        raise no_such("payment_intent", intent_id, param="intent")
    return expanded(request, payment_intent_json(intent))


def list_payment_intents(request: ApiRequest) -> Json:
    """Return payment intents."""
    parameters = read_list_parameters(request, {})
    rows = PaymentIntent.objects.select_related("session")
    return list_page(request, rows, payment_intent_json, parameters)


def retrieve_charge(request: ApiRequest, charge_id: str) -> Json:
    """Return one charge."""
    rows = Charge.objects.select_related("payment_intent__session")
    charge = rows.filter(stripe_id=charge_id).first()
    if charge is None:
        raise no_such("charge", charge_id)
    return expanded(request, charge_json(charge))


def list_charges(request: ApiRequest) -> Json:
    """Return charges, perhaps those of one payment intent."""
    parameters = read_list_parameters(request, {"payment_intent": text()})
    rows = Charge.objects.select_related("payment_intent__session")
    if "payment_intent" in parameters:
        rows = rows.filter(payment_intent__stripe_id=parameters["payment_intent"])
    return list_page(request, rows, charge_json, parameters)


def retrieve_event(request: ApiRequest, event_id: str) -> Json:
    """Return one event."""
    event = Event.objects.filter(stripe_id=event_id).first()
    if event is None:
        raise no_such("event", event_id)
    return expanded(request, event_json(event))


def list_events(request: ApiRequest) -> Json:
    """Return events by type, or by whether they have reached the webhook endpoint."""
    filters = {"type": text(), "types": list_of(text()), "delivery_success": boolean}
    parameters = read_list_parameters(request, filters)
    rows = Event.objects.all()
    if "type" in parameters:
        before_star, star, _ = parameters["type"].partition("*")
        rows = rows.filter(type__startswith=before_star) if star else rows.filter(type=before_star)
    if "types" in parameters:
        rows = rows.filter(type__in=parameters["types"])
    if "delivery_success" in parameters:
        undelivered = Delivery.objects.filter(event=OuterRef("pk")).exclude(
            status=Delivery.Status.DELIVERED
        )
        is_undelivered = Exists(undelivered)
        rows = rows.filter(~is_undelivered if parameters["delivery_success"] else is_undelivered)
    return list_page(request, rows, event_json, parameters)


def _find_session(session_id: str) -> CheckoutSession:
    session = CheckoutSession.objects.filter(stripe_id=session_id).first()
    if session is None:
        raise no_such("checkout.session", session_id, param="session")
    return session


def expanded(request: ApiRequest, answer: Json) -> Json:
    """Return an answer with what the request wants expanded."""
    return expand(answer, read_all(request.parameters, EXPAND).get("expand", []))


def _total(line_items: list[dict[str, Any]]) -> tuple[str, int]:
    """Return currency and amount of a whole session."""
    if not line_items:
        raise InvalidParameter(
            "Missing required param: line_items.", code="parameter_missing", param="line_items"
        )
    prices = [item["price_data"] for item in line_items]
    if len({price["currency"] for price in prices}) > 1:
        raise InvalidParameter(
            "All prices on a Checkout Session must have the same currency.", param="line_items"
        )
    amount = sum(item["price_data"]["unit_amount"] * item["quantity"] for item in line_items)
    if amount > LARGEST_AMOUNT:
        raise InvalidParameter(
            "The Checkout Session's total amount must be no more than $999,999.99.",
            code="amount_too_large",
            param="line_items",
        )
    return prices[0]["currency"], amount


def _check_life(expires_at: int | None, now: int) -> None:
    if expires_at is None:
        return
    longest = int(checkout.LONGEST_LIFE.total_seconds())
    if expires_at < now + SHORTEST_LIFE_SECONDS:
        limit = "at least 30 minutes"
    elif expires_at > now + longest:
        limit = "less than 24 hours"
    else:
        return
    raise InvalidParameter(
        f"The `expires_at` timestamp must be {limit} from Checkout Session creation.",
        param="expires_at",
    )
