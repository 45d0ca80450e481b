"""The sandbox's own controls: send an event again, hold deliveries back, choose their order."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from payments.sandbox import deliveries as webhook_deliveries
from payments.sandbox.models import Event


@require_POST
def redeliver(request: HttpRequest, event_id: str) -> HttpResponse:
    """Deliver one event at once, and again if it had been delivered."""
    event = Event.objects.filter(stripe_id=event_id).first()
    if event is None:
        return JsonResponse({"error": f"No such event: '{event_id}'"}, status=404)
    told = _deliver(event)
    return HttpResponseRedirect("/") if is_browser(request) else JsonResponse(told)


@require_POST
def deliveries(request: HttpRequest) -> HttpResponse:
    """Pause or resume (`paused`), and deliver `events` at once, in the order given."""
    wishes = _wishes(request)
    if wishes is None:
        return JsonResponse({"error": 'Send {"paused": bool, "events": ["evt_…"]}'}, status=400)
    events = {event.stripe_id: event for event in _named(wishes)}
    missing = [name for name in wishes.get("events", []) if name not in events]
    if missing:
        return JsonResponse({"error": f"No such event: '{missing[0]}'"}, status=404)
    if "paused" in wishes:
        webhook_deliveries.set_paused(wishes["paused"])
    delivered = [_deliver(events[name]) for name in wishes.get("events", [])]
    if is_browser(request):
        return HttpResponseRedirect("/")
    return JsonResponse({"paused": webhook_deliveries.is_paused(), "delivered": delivered})


def _wishes(request: HttpRequest) -> dict[str, Any] | None:
    """Return what is asked for, from JSON or from the front page's form."""
    if "paused" in request.POST:
        return {"paused": request.POST["paused"] == "true"}
    try:
        wishes = json.loads(request.body)
    except ValueError:
        return None
    is_good = (
        isinstance(wishes, dict)
        and isinstance(wishes.get("paused", False), bool)
        and isinstance(wishes.get("events", []), list)
        and all(_may_be_an_id(name) for name in wishes.get("events", []))
    )
    return wishes if is_good else None


def _may_be_an_id(name: object) -> bool:
    """Say whether PostgreSQL can be asked for it: no NUL, no lone surrogate."""
    return isinstance(name, str) and name.isascii() and name.isprintable()


def _named(wishes: dict[str, Any]) -> list[Event]:
    return list(Event.objects.filter(stripe_id__in=wishes.get("events", [])))


def _deliver(event: Event) -> dict[str, Any]:
    delivery = webhook_deliveries.deliver_now(event, timezone.now())
    return {
        "event": event.stripe_id,
        "type": event.type,
        "http_status": delivery.last_http_status,
        "error": delivery.last_error,
        "attempts": delivery.attempts,
    }


def is_browser(request: HttpRequest) -> bool:
    """Say whether a page is wanted, rather than JSON."""
    return "text/html" in request.headers.get("Accept", "")
