"""The endpoints of Stripe's API for disputes."""

from payments.sandbox import disputes
from payments.sandbox.api import expanded
from payments.sandbox.api_request import ApiRequest
from payments.sandbox.dispute_objects import EVIDENCE_FIELDS, dispute_json
from payments.sandbox.errors import no_such
from payments.sandbox.expansion import expand
from payments.sandbox.listing import EXPAND, list_page, read_list_parameters
from payments.sandbox.models import Dispute
from payments.sandbox.objects import Json
from payments.sandbox.parameters import Reader, boolean, mapping, metadata, read_all, text

_ANSWER: dict[str, Reader] = {
    **EXPAND,
    "evidence": mapping(dict.fromkeys(EVIDENCE_FIELDS, text(20_000))),
    "metadata": metadata,
    "submit": boolean,
}
_WITH_SESSION = "charge__payment_intent__session"


def retrieve_dispute(request: ApiRequest, dispute_id: str) -> Json:
    """Return one dispute."""
    found = Dispute.objects.select_related(_WITH_SESSION).filter(stripe_id=dispute_id).first()
    if found is None:
        raise no_such("dispute", dispute_id)
    return expanded(request, dispute_json(found))


def list_disputes(request: ApiRequest) -> Json:
    """Return disputes, perhaps those of one charge or payment intent."""
    parameters = read_list_parameters(request, {"charge": text(), "payment_intent": text()})
    rows = Dispute.objects.select_related(_WITH_SESSION)
    if "charge" in parameters:
        rows = rows.filter(charge__stripe_id=parameters["charge"])
    if "payment_intent" in parameters:
        rows = rows.filter(charge__payment_intent__stripe_id=parameters["payment_intent"])
    return list_page(request, rows, dispute_json, parameters)


def update_dispute(request: ApiRequest, dispute_id: str) -> Json:
    """Give evidence, at once or for later."""
    parameters = read_all(request.parameters, _ANSWER)
    dispute = disputes.answer(
        dispute_id=dispute_id,
        evidence=parameters.get("evidence", {}),
        metadata=parameters.get("metadata", {}),
        is_submitted=parameters.get("submit", True),
        now=request.now,
        cause=request.cause,
    )
    return expand(dispute_json(dispute), parameters.get("expand", []))


def close_dispute(request: ApiRequest, dispute_id: str) -> Json:
    """Accept a dispute as lost."""
    parameters = read_all(request.parameters, EXPAND)
    dispute = disputes.decide(
        dispute_id=dispute_id, is_won=False, now=request.now, cause=request.cause
    )
    return expand(dispute_json(dispute), parameters.get("expand", []))
