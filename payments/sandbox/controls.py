"""The sandbox's own controls, for the front page's buttons and for curl.

They pause deliveries, send events again and in any order, refund, and dispute.
"""

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
    delivery = deliveries.deliver_now(Event.find(event_id), timezone.now())
    return {
        "event": delivery.event.stripe_id,
        "type": delivery.event.type,
        "http_status": delivery.last_http_status,
        "error": delivery.last_error,
        "attempts": delivery.attempts,
    }


@control
def steer_deliveries(request: HttpRequest) -> Json:
    """Pause deliveries, or resume them; `paused` is `true` or `false`."""
    deliveries.set_paused(_one_of(request, "paused", "true", "false") == "true")
    return {"paused": deliveries.is_paused()}


@control
def refund(request: HttpRequest, charge_id: str) -> Json:
    """Refund `amount` dollars, or what is left."""
    amount = _amount(request)
    return as_json(refunds.refund(charge_id=charge_id, amount=amount, now=timezone.now()))


@control
def dispute(request: HttpRequest, charge_id: str) -> Json:
    """Dispute `amount` dollars, or the whole charge; `kind` is `chargeback` or `inquiry`."""
    kind = _one_of(request, "kind", *CaseType.values, default=CaseType.CHARGEBACK)
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
    is_won = _one_of(request, "outcome", "won", "lost") == "won"
    return as_json(disputes.decide(dispute_id=dispute_id, is_won=is_won, now=timezone.now()))


def _one_of(request: HttpRequest, name: str, *allowed: str, default: str = "") -> str:
    """Return a field that has one of these values. Raises ApiError."""
    value = request.POST.get(name, default)
    if value not in allowed:
        raise ApiError(f"Invalid {name}: must be one of {', '.join(allowed)}")
    return value


def _amount(request: HttpRequest) -> int | None:
    """Return the cents of `amount`, or None for an empty field."""
    try:
        dollars = _DOLLARS.clean(request.POST.get("amount", "").strip())
    except ValidationError:
        raise ApiError("Invalid amount: type dollars, such as 4.50") from None
    return None if dollars is None else int(dollars * 100)
