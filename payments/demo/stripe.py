"""Makes what happens at Stripe in the demo, by calling the sandbox's functions.

What the sandbox would send over HTTP, the inbox gets at once, at the time of the history.
"""

import json
from datetime import datetime

from django.conf import settings

from payments import inbox
from payments.models import Payment
from payments.sandbox import checkout, disputes, events, refunds
from payments.sandbox.models import Charge, CheckoutSession, Delivery
from payments.sandbox.objects import Json, as_json
from payments.sandbox.payment_methods import (
    FAILING_ACCOUNT,
    PAYING_ACCOUNT,
    TEST_CARDS,
    Method,
    RefundCourse,
)
from payments.stripe_objects import MARK

CARD = TEST_CARDS[0]
# How people pay, each with its weight; None: they do not.
CHECKOUTS: tuple[tuple[int, Method | None], ...] = (
    (44, CARD),
    (2, PAYING_ACCOUNT),
    (1, FAILING_ACCOUNT),
    (3, None),
)
# What happens after that, with its detail.
AFTER_PAYMENT: tuple[tuple[int, tuple[str, Json]], ...] = (
    (160, ("nothing", {})),
    (2, ("another event", {})),  # repeated
    (6, ("another event", {"type": "customer.created"})),  # ignored
    # Three that do not fit our record: quarantined.
    (1, ("another event", {"id": "cs_test_of_another_shop"})),
    (1, ("another event", {"livemode": True})),
    (1, ("another event", {"amount_total": 1})),
    (6, ("refund", {})),
    (4, ("refund", {"amount": 500})),
    (2, ("refund", {"fails": True})),
    (2, ("dispute", {"is_won": False})),
    (2, ("dispute", {"is_won": True})),
)


def open_session(payment: Payment, *, now: datetime) -> Json:
    metadata = {**MARK, "payment_id": str(payment.pk), "user_id": str(payment.user_id)}
    session = checkout.open_session(
        base_url=settings.STRIPE_API_BASE,
        now=now,
        amount_total=payment.amount,
        product_name="Gatewayz credits",
        success_url=payment.success_url,
        cancel_url=payment.cancel_url,
        metadata=metadata,
        payment_intent_metadata=metadata,
    )
    answer: Json = json.loads(json.dumps(as_json(session)))
    return answer


def pay(payment: Payment, method: Method, *, now: datetime) -> None:
    session_id, email = str(payment.session_id), payment.user.email
    checkout.pay(session_id=session_id, method=method, email=email, name=None, now=now)
    report(now=now)


def refund(
    payment: Payment, *, amount: int | None = None, fails: bool = False, now: datetime
) -> None:
    charge = _charge(payment)
    if fails:
        charge.refund_course = RefundCourse.FAILS_LATER
        charge.save(update_fields=["refund_course"])
    refunds.refund(charge_id=charge.stripe_id, amount=amount, now=now)
    report(now=now)


def dispute(payment: Payment, *, now: datetime) -> str:
    """Dispute a payment, and return the dispute's id."""
    opened = disputes.open_dispute(charge_id=_charge(payment).stripe_id, now=now)
    report(now=now)
    return opened.stripe_id


def decide(dispute_id: str, *, is_won: bool, now: datetime) -> None:
    disputes.decide(dispute_id=dispute_id, is_won=is_won, now=now)
    report(now=now)


def _charge(payment: Payment) -> Charge:
    return Charge.objects.get(payment_intent__stripe_id=payment.payment_intent_id)


def report(*, now: datetime) -> None:
    """Let the sandbox do what is due, and the inbox receive the events of this moment."""
    checkout.expire_overdue(now)
    checkout.settle_processing(now)
    refunds.settle_due(now)
    made = Delivery.objects.filter(created_at=now, status=Delivery.Status.PENDING)
    for delivery in made.select_related("event").order_by("pk"):
        if delivery.event.type in inbox.HANDLERS:
            inbox.receive(delivery.event.body.encode(), now=now)
    made.update(status=Delivery.Status.DELIVERED, attempts=1, last_http_status=200)


def another_event(payment: Payment, changes: Json, *, now: datetime) -> bytes:
    """Return a changed event of a completed checkout, which the sandbox does not store."""
    session = CheckoutSession.objects.get(stripe_id=payment.session_id)
    kind, changed = "checkout.session.completed", dict(changes)
    event = events.envelope(changed.pop("type", kind), session, now)
    event["data"]["object"] |= changed
    return json.dumps(event).encode()
