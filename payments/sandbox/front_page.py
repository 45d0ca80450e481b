"""The sandbox's front page: what it is, and what has happened in it lately."""

from django.conf import settings
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from payments.sandbox.deliveries import is_paused
from payments.sandbox.models import CheckoutSession, Delivery, Event
from payments.sandbox.money import display_amount
from payments.sandbox.pay_page import page
from payments.sandbox.payment_methods import FAILING_ACCOUNT, PAYING_ACCOUNT, TEST_CARDS

SHOWN = 20


@require_safe
def front_page(request: HttpRequest) -> HttpResponse:
    """Show recent sessions and events, and how to steer deliveries."""
    context = {
        "base_url": f"{request.scheme}://{request.get_host()}",
        "webhook_url": settings.STRIPE_SANDBOX_WEBHOOK_URL,
        "is_paused": is_paused(),
        "sessions": _recent_sessions(),
        "events": _recent_events(),
        "cards": TEST_CARDS,
        "paying_account": PAYING_ACCOUNT,
        "failing_account": FAILING_ACCOUNT,
    }
    return page("front.html", context)


def _recent_sessions() -> list[tuple[CheckoutSession, str]]:
    rows = CheckoutSession.objects.order_by("-id")[:SHOWN]
    return [(row, display_amount(row.amount_total, row.currency)) for row in rows]


def _recent_events() -> list[tuple[Event, Delivery]]:
    newest_first = Prefetch("deliveries", Delivery.objects.order_by("-id"), to_attr="newest_first")
    rows = Event.objects.order_by("-id").prefetch_related(newest_first)[:SHOWN]
    return [(row, row.newest_first[0]) for row in rows]
