"""A checkout session from paying to its end: paid, declined, settled later, expired.

Every change of a session, its payment intent and its charges holds the lock of the session's row.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from payments.sandbox import disputes, events
from payments.sandbox.models import Charge, CheckoutSession, PaymentIntent
from payments.sandbox.payment_methods import ACCOUNT_FAILURE, Decline, Method
from payments.sandbox.stripe_ids import new_id

SESSION_LIFE = timedelta(hours=24)
DELAYED_SETTLEMENT = timedelta(seconds=5)

_Status = PaymentIntent.Status


class SessionIsClosed(Exception):
    """The session is complete or expired: nobody can pay it any more."""

    def __init__(self, session: CheckoutSession) -> None:
        super().__init__(session.status)
        self.session = session


class CardDeclined(Exception):
    """The bank said no; the message is meant for the payer."""


def open_session(*, base_url: str, now: datetime, **order: Any) -> CheckoutSession:
    """Open a session for an order, to be paid at an address of the sandbox."""
    session_id = new_id("cs_test", 58)
    return CheckoutSession.objects.create(
        stripe_id=session_id,
        created_at=now,
        pay_url=f"{base_url}/c/pay/{session_id}",
        expires_at=now + SESSION_LIFE,
        **order,
    )


def pay(
    *, session_id: str, method: Method, email: str, name: str | None, now: datetime
) -> CheckoutSession:
    """Charge the session once. Raises SessionIsClosed and CardDeclined."""
    with transaction.atomic():
        session = CheckoutSession.objects.select_for_update().get(stripe_id=session_id)
        if session.status == CheckoutSession.Status.OPEN and session.expires_at <= now:
            _expire(session, now)
        is_open = session.status == CheckoutSession.Status.OPEN
        if is_open:
            _attempt(session, method, email, name, now)
    # Raised after the commit: the expiry and the failed charge are to be kept.
    if not is_open:
        raise SessionIsClosed(session)
    if method.is_card and method.decline:
        raise CardDeclined(method.decline.message)
    return session


def expire_overdue(now: datetime) -> None:
    """Close the open sessions whose time is over."""
    overdue = CheckoutSession.objects.filter(
        status=CheckoutSession.Status.OPEN, expires_at__lte=now
    )
    with transaction.atomic():
        for session in list(overdue.select_for_update(skip_locked=True).order_by("id")):
            _expire(session, now)


def settle_processing(now: datetime) -> None:
    """Finish the delayed payments whose time has come."""
    due = PaymentIntent.objects.filter(status=_Status.PROCESSING, settles_at__lte=now)
    with transaction.atomic():
        rows = due.select_related("session").order_by("id")
        for intent in list(rows.select_for_update(skip_locked=True)):
            _settle(intent, now)


def _expire(session: CheckoutSession, now: datetime) -> None:
    session.status = CheckoutSession.Status.EXPIRED
    session.save(update_fields=["status"])
    events.record("checkout.session.expired", session, now)


def _attempt(
    session: CheckoutSession, method: Method, email: str, name: str | None, now: datetime
) -> None:
    intent, is_new = PaymentIntent.objects.get_or_create(
        session=session, defaults={"stripe_id": new_id("pi"), "created_at": now}
    )
    if is_new:
        events.record("payment_intent.created", intent, now)
    charge = Charge(
        stripe_id=new_id("ch"),
        created_at=now,
        payment_intent=intent,
        payment_method_details=method.details,
        refund_course=method.refund_course,
    )
    if method.is_card and method.decline:
        _decline(charge, method.decline, now)
        return
    session.status = CheckoutSession.Status.COMPLETE
    session.payer_email, session.payer_name = email, name
    if method.is_card:
        _collect(charge, session, now)
    else:
        _process(charge, session, will_fail=method.decline is not None, now=now)
    events.record("checkout.session.completed", session, now)
    if method.disputed_as:
        disputes.open_on(charge, session.amount_total, method.disputed_as, now)


def _collect(charge: Charge, session: CheckoutSession, now: datetime) -> None:
    _change(charge, Charge.Status.SUCCEEDED, _Status.SUCCEEDED)
    session.payment_status = CheckoutSession.PaymentStatus.PAID
    session.save()
    events.record("payment_intent.succeeded", charge.payment_intent, now)
    events.record("charge.succeeded", charge, now)


def _process(charge: Charge, session: CheckoutSession, *, will_fail: bool, now: datetime) -> None:
    intent = charge.payment_intent
    intent.will_fail, intent.settles_at = will_fail, now + DELAYED_SETTLEMENT
    _change(charge, Charge.Status.PENDING, _Status.PROCESSING)
    session.save()
    events.record("payment_intent.processing", intent, now)
    events.record("charge.pending", charge, now)


def _decline(charge: Charge, decline: Decline, now: datetime) -> None:
    charge.failure_code, charge.failure_message = decline.code, decline.message
    _change(charge, Charge.Status.FAILED, _Status.REQUIRES_PAYMENT_METHOD)
    events.record("charge.failed", charge, now)
    events.record("payment_intent.payment_failed", charge.payment_intent, now)


def _change(charge: Charge, status: Charge.Status, intent_status: PaymentIntent.Status) -> None:
    charge.status = status
    charge.save()
    charge.payment_intent.status = intent_status
    charge.payment_intent.save()


def _settle(intent: PaymentIntent, now: datetime) -> None:
    charge = intent.charges.get(status=Charge.Status.PENDING)
    charge.payment_intent = intent
    if intent.will_fail:
        _decline(charge, ACCOUNT_FAILURE, now)
        outcome = "async_payment_failed"
    else:
        _collect(charge, intent.session, now)
        outcome = "async_payment_succeeded"
    events.record(f"checkout.session.{outcome}", intent.session, now)
