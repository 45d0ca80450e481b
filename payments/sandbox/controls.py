"""The sandbox's own controls, for the front page's buttons and for curl.

They send events again, pause deliveries, choose their order, refund, and dispute.
"""

import json
from collections.abc import Callable
from decimal import Decimal
from functools import wraps

from django.core.exceptions import ValidationError
from django.forms import DecimalField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from payments.sandbox import deliveries, disputes, refunds
from payments.sandbox.errors import ApiError
from payments.sandbox.models import Event
from payments.sandbox.objects import Json, as_json
from payments.sandbox.pay_page import page
from payments.sandbox.payment_methods import CaseType

_DOLLARS = DecimalField(required=False, min_value=Decimal("0.01"), max_digits=11, decimal_places=2)


def control(act: Callable[..., Json]) -> Callable[..., HttpResponse]:
    """Make a view: a browser goes back to the front page, curl gets what was done as JSON."""

    @require_POST
    @wraps(act)
    def view(request: HttpRequest, **ids: str) -> HttpResponse:
        is_browser = "text/html" in request.headers.get("Accept", "")
        try:
            done = act(request, **ids)
        except ApiError as refusal:
            if is_browser:
                return page("refused.html", {"refusal": refusal}, status=refusal.status)
            return refusal.response()
        return HttpResponseRedirect("/") if is_browser else JsonResponse(done)

    return view


@control
def redeliver(request: HttpRequest, event_id: str) -> Json:
    """Deliver one event now, and again if it has been delivered."""
    return _deliver(Event.find(event_id))


@control
def steer_deliveries(request: HttpRequest) -> Json:
    """Pause or resume (`paused`), and deliver `events` now, in the order given."""
    is_paused, event_ids = _read_steering(request)
    events = [Event.find(event_id) for event_id in event_ids]
    if is_paused is not None:
        deliveries.set_paused(is_paused)
    delivered = [_deliver(event) for event in events]
    return {"paused": deliveries.is_paused(), "delivered": delivered}


@control
def refund(request: HttpRequest, charge_id: str) -> Json:
    """Refund `amount` dollars, or what is left."""
    amount = _amount(request)
    return as_json(refunds.refund(charge_id=charge_id, amount=amount, now=timezone.now()))


@control
def dispute(request: HttpRequest, charge_id: str) -> Json:
    """Dispute `amount` dollars, or the whole charge; `kind` is `chargeback` or `inquiry`."""
    kind = request.POST.get("kind", CaseType.CHARGEBACK)
    if kind not in CaseType.values:
        raise ApiError(f"Invalid kind: must be one of {', '.join(CaseType.values)}")
    opened = disputes.open_dispute(
        charge_id=charge_id,
        amount=_amount(request),
        case_type=CaseType(kind),
        now=timezone.now(),
    )
    return as_json(opened)


@control
def decide(request: HttpRequest, dispute_id: str) -> Json:
    """Decide a dispute as the payer's bank: `outcome` is `won` or `lost`."""
    outcome = request.POST.get("outcome")
    if outcome not in ("won", "lost"):
        raise ApiError("Invalid outcome: must be one of won, lost")
    is_won = outcome == "won"
    return as_json(disputes.decide(dispute_id=dispute_id, is_won=is_won, now=timezone.now()))


def _read_steering(request: HttpRequest) -> tuple[bool | None, list[str]]:
    """Return `paused`, if given, and `events`, from JSON or from the front page's form."""
    if "paused" in request.POST:
        return request.POST["paused"] == "true", []
    try:
        sent = json.loads(request.body)
        return sent.get("paused"), list(sent.get("events", []))
    except (ValueError, AttributeError, TypeError):
        raise ApiError('Send {"paused": true or false, "events": ["evt_…"]}') from None


def _deliver(event: Event) -> Json:
    delivery = deliveries.deliver_now(event, timezone.now())
    return {
        "event": event.stripe_id,
        "type": event.type,
        "http_status": delivery.last_http_status,
        "error": delivery.last_error,
        "attempts": delivery.attempts,
    }


def _amount(request: HttpRequest) -> int | None:
    """Return the cents of `amount`, or None for an empty field."""
    try:
        dollars = _DOLLARS.clean(request.POST.get("amount", "").strip())
    except ValidationError:
        raise ApiError("Invalid amount: type dollars, such as 4.50") from None
    return None if dollars is None else int(dollars * 100)
