"""The sandbox's own controls for money that goes back: refund, dispute, decide a dispute."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from payments.sandbox import disputes, refunds
from payments.sandbox.control import is_browser
from payments.sandbox.dispute_objects import dispute_json
from payments.sandbox.errors import ApiError, InvalidParameter
from payments.sandbox.money import typed_cents
from payments.sandbox.objects import Json, refund_json
from payments.sandbox.pay_page import page
from payments.sandbox.payment_methods import CaseType


@require_POST
def refund(request: HttpRequest, charge_id: str) -> HttpResponse:
    """Refund `amount` dollars, or what is left."""

    def perform() -> Json:
        amount = _amount(request)
        made = refunds.refund(charge_id=charge_id, amount=amount, now=timezone.now())
        return refund_json(made)

    return _answer(request, perform)


@require_POST
def dispute(request: HttpRequest, charge_id: str) -> HttpResponse:
    """Dispute `amount` dollars, or the whole charge, as a chargeback or an inquiry (`kind`)."""

    def perform() -> Json:
        kind = request.POST.get("kind", CaseType.CHARGEBACK)
        if kind not in CaseType.values:
            raise InvalidParameter(f"Invalid kind: must be one of {', '.join(CaseType.values)}")
        opened = disputes.open_dispute(
            charge_id=charge_id,
            amount=_amount(request),
            case_type=CaseType(kind),
            now=timezone.now(),
        )
        return dispute_json(opened)

    return _answer(request, perform)


@require_POST
def decide(request: HttpRequest, dispute_id: str) -> HttpResponse:
    """Let the bank decide a dispute: `outcome` is `won` or `lost`."""

    def perform() -> Json:
        outcome = request.POST.get("outcome")
        if outcome not in ("won", "lost"):
            raise InvalidParameter("Invalid outcome: must be one of won, lost")
        closed = disputes.decide(dispute_id=dispute_id, is_won=outcome == "won", now=timezone.now())
        return dispute_json(closed)

    return _answer(request, perform)


def _amount(request: HttpRequest) -> int | None:
    """Return the cents that were typed, or None for an empty field."""
    typed = request.POST.get("amount", "").strip()
    if not typed:
        return None
    cents = typed_cents(typed)
    if cents is None:
        raise InvalidParameter("Invalid amount: type dollars, such as 4.50", param="amount")
    return cents


def _answer(request: HttpRequest, perform: Callable[[], Json]) -> HttpResponse:
    try:
        done = perform()
    except ApiError as refusal:
        if is_browser(request):
            return page("refused.html", {"refusal": refusal}, status=refusal.http_status)
        return JsonResponse(refusal.as_json(), status=refusal.http_status)
    return HttpResponseRedirect("/") if is_browser(request) else JsonResponse(done)
