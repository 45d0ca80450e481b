"""The sandbox's front page: what it is, and what happened in it lately."""

from typing import Any

from django.conf import settings
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from payments.sandbox.deliveries import is_paused
from payments.sandbox.models import Charge, CheckoutSession, Delivery, Dispute, Event
from payments.sandbox.money import display_amount
from payments.sandbox.pay_page import page

SHOWN = 20


@require_safe
def home_page(request: HttpRequest) -> HttpResponse:
    """Show recent sessions and events, and how to steer deliveries."""
    recent_sessions = CheckoutSession.objects.order_by("-id")[:SHOWN]
    context = {
        "base_url": f"{request.scheme}://{request.get_host()}",
        "webhook_url": settings.STRIPE_SANDBOX_WEBHOOK_URL,
        "is_paused": is_paused(),
        "sales": [_sale(session) for session in recent_sessions],
        "events": _recent_events(),
    }
    return page("front.html", context)


def _sale(session: CheckoutSession) -> dict[str, Any]:
    """Return a session, and what can be done about the money that was paid."""
    sale = {"session": session, "amount": display_amount(session.amount_total)}
    paid = Charge.objects.filter(payment_intent__session=session, status=Charge.Status.SUCCEEDED)
    charge = paid.select_related("payment_intent__session").first()
    if charge is None:
        return sale
    dispute = charge.disputes.order_by("-id").first()
    refunded, left = charge.count_refunded(), charge.count_left()
    is_money_held = dispute is not None and dispute.status in Dispute.HOLDING_THE_MONEY
    return sale | {
        "charge": charge,
        "refunded": refunded and display_amount(refunded),
        "refundable": left and not is_money_held and f"{left // 100}.{left % 100:02}",
        "dispute": dispute,
        "disputed": dispute and display_amount(dispute.amount),
    }


def _recent_events() -> list[tuple[Event, Delivery]]:
    newest_first = Prefetch("deliveries", Delivery.objects.order_by("-id"), to_attr="newest_first")
    rows = Event.objects.order_by("-id").prefetch_related(newest_first)[:SHOWN]
    return [(row, row.newest_first[0]) for row in rows]
