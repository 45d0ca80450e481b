"""The sandbox's front page: what it is, and what happened in it lately."""

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from payments.sandbox import charges
from payments.sandbox.deliveries import is_paused
from payments.sandbox.models import Charge, CheckoutSession, Delivery, Dispute, Event
from payments.sandbox.money import display_amount, typed_amount
from payments.sandbox.pay_page import page
from payments.sandbox.payment_methods import FAILING_ACCOUNT, PAYING_ACCOUNT, TEST_CARDS

SHOWN = 20


@dataclass(frozen=True)
class Sale:
    """A session, and what can be done about the money that was paid."""

    session: CheckoutSession
    amount: str
    charge: Charge | None = None
    refunded: str = ""
    refundable: str = ""
    dispute: Dispute | None = None
    disputed: str = ""

    @property
    def has_open_dispute(self) -> bool:
        """Say whether the bank has yet to decide."""
        return self.dispute is not None and self.dispute.status not in Dispute.CLOSED


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
        "cards": TEST_CARDS,
        "paying_account": PAYING_ACCOUNT,
        "failing_account": FAILING_ACCOUNT,
    }
    return page("front.html", context)


def _sale(session: CheckoutSession) -> Sale:
    amount = display_amount(session.amount_total)
    paid = charges.with_session().filter(
        payment_intent__session=session, status=Charge.Status.SUCCEEDED
    )
    charge = paid.first()
    if charge is None:
        return Sale(session, amount)
    dispute = charge.disputes.order_by("-id").first()
    refunded, left = charges.amount_refunded(charge), charges.amount_left(charge)
    is_money_held = dispute is not None and dispute.status in Dispute.HOLDING_THE_MONEY
    return Sale(
        session=session,
        amount=amount,
        charge=charge,
        refunded=display_amount(refunded) if refunded else "",
        refundable=typed_amount(left) if left and not is_money_held else "",
        dispute=dispute,
        disputed=display_amount(dispute.amount) if dispute else "",
    )


def _recent_events() -> list[tuple[Event, Delivery]]:
    newest_first = Prefetch("deliveries", Delivery.objects.order_by("-id"), to_attr="newest_first")
    rows = Event.objects.order_by("-id").prefetch_related(newest_first)[:SHOWN]
    return [(row, row.newest_first[0]) for row in rows]
