"""The endpoints of Stripe's API for refunds."""

from typing import Any

from payments.sandbox import refunds
from payments.sandbox.api import expanded
from payments.sandbox.api_request import ApiRequest
from payments.sandbox.errors import ApiError, InvalidParameter, no_such
from payments.sandbox.expansion import expand
from payments.sandbox.listing import EXPAND, list_page, read_list_parameters
from payments.sandbox.models import Charge, PaymentIntent, Refund
from payments.sandbox.objects import Json, refund_json
from payments.sandbox.parameters import Reader, choice, integer, metadata, read_all, text

_NEW_REFUND: dict[str, Reader] = {
    **EXPAND,
    "charge": text(),
    "payment_intent": text(),
    "amount": integer(1),
    "reason": choice("duplicate", "fraudulent", "requested_by_customer"),
    "metadata": metadata,
}
_WITH_SESSION = "charge__payment_intent__session"


def create_refund(request: ApiRequest) -> Json:
    """Refund a charge, or the charge that paid a payment intent."""
    parameters = read_all(request.parameters, _NEW_REFUND)
    made = refunds.refund(
        charge_id=_charge_id(parameters),
        amount=parameters.get("amount"),
        reason=parameters.get("reason"),
        metadata=parameters.get("metadata"),
        now=request.now,
        cause=request.cause,
    )
    return expand(refund_json(made), parameters.get("expand", []))


def retrieve_refund(request: ApiRequest, refund_id: str) -> Json:
    """Return one refund."""
    found = Refund.objects.select_related(_WITH_SESSION).filter(stripe_id=refund_id).first()
    if found is None:
        raise no_such("refund", refund_id)
    return expanded(request, refund_json(found))


def list_refunds(request: ApiRequest) -> Json:
    """Return refunds, perhaps those of one charge or payment intent."""
    parameters = read_list_parameters(request, {"charge": text(), "payment_intent": text()})
    rows = Refund.objects.select_related(_WITH_SESSION)
    if "charge" in parameters:
        rows = rows.filter(charge__stripe_id=parameters["charge"])
    if "payment_intent" in parameters:
        rows = rows.filter(charge__payment_intent__stripe_id=parameters["payment_intent"])
    return list_page(request, rows, refund_json, parameters)


def _charge_id(parameters: dict[str, Any]) -> str:
    """Return the charge that is meant, which the payment intent may name in its stead."""
    if ("charge" in parameters) == ("payment_intent" in parameters):
        raise InvalidParameter(
            "Exactly one of the following params should be provided for this request: "
            "payment_intent or charge.",
            param="payment_intent",
        )
    if "charge" in parameters:
        return str(parameters["charge"])
    intent = PaymentIntent.objects.filter(stripe_id=parameters["payment_intent"]).first()
    if intent is None:
        raise no_such("payment_intent", parameters["payment_intent"], param="payment_intent")
    charge = intent.charges.filter(status=Charge.Status.SUCCEEDED).first()
    if charge is None:
        raise ApiError(
            f"This PaymentIntent ({intent.stripe_id}) does not have a successful charge to refund.",
            param="payment_intent",
        )
    return charge.stripe_id
