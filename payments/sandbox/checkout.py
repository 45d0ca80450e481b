"""The life of a checkout session: made, paid, declined, settled later, expired.

Whoever changes a session locks its row first; its payment intent and charges follow that lock.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from payments.sandbox import disputes, events
from payments.sandbox.errors import ApiError
from payments.sandbox.events import BY_ITSELF, Cause
from payments.sandbox.identifiers import new_id, new_session_id
from payments.sandbox.models import Charge, CheckoutSession, PaymentIntent
from payments.sandbox.objects import charge_json, payment_intent_json, session_json
from payments.sandbox.payment_methods import ACCOUNT_FAILURE, Decline, Method

DELAYED_SETTLEMENT = timedelta(seconds=5)
LONGEST_LIFE = timedelta(hours=24)

_Status = PaymentIntent.Status


class SessionIsClosed(Exception):
    """The session is complete or expired: nobody can pay it any more."""

    def __init__(self, session: CheckoutSession) -> None:
        super().__init__(session.status)
        self.session = session


class CardDeclined(Exception):
    """The bank said no; the message is meant for the payer."""


def create_session(
    *, parameters: Mapping[str, Any], currency: str, amount: int, base_url: str, now: datetime
) -> CheckoutSession:
    """Open a session from checked parameters."""
    session_id = new_session_id()
    expires_at = parameters.get("expires_at")
    return CheckoutSession.objects.create(
        stripe_id=session_id,
        created_at=now,
        amount_total=amount,
        currency=currency,
        line_items=parameters["line_items"],
        payment_method_types=parameters.get("payment_method_types", ["card", "us_bank_account"]),
        success_url=parameters["success_url"],
        cancel_url=parameters.get("cancel_url"),
        pay_url=f"{base_url}/c/pay/{session_id}",
        client_reference_id=parameters.get("client_reference_id"),
        customer_email=parameters.get("customer_email"),
        metadata=parameters.get("metadata", {}),
        payment_intent_data=parameters.get("payment_intent_data", {}),
        expires_at=datetime.fromtimestamp(expires_at, tz=now.tzinfo)
        if expires_at
        else now + LONGEST_LIFE,
    )


@transaction.atomic
def expire_session(*, session_id: str, now: datetime, cause: Cause) -> CheckoutSession:
    """Close an open session at the API's request."""
    session = _lock(session_id)
    if session.status != CheckoutSession.Status.OPEN:
        raise ApiError(
            'Only Checkout Sessions with a status in ["open"] can be expired. '
            f"This Checkout Session has a status of {session.status}."
        )
    _expire(session, now, cause)
    return session


def expire_overdue(now: datetime) -> int:
    """Close the open sessions whose time has passed; return how many."""
    overdue = CheckoutSession.objects.filter(
        status=CheckoutSession.Status.OPEN, expires_at__lte=now
    )
    with transaction.atomic():
        sessions = list(overdue.select_for_update(skip_locked=True).order_by("id"))
        for session in sessions:
            _expire(session, now, BY_ITSELF)
    return len(sessions)


def pay(
    *, session_id: str, method: Method, email: str, name: str | None, now: datetime
) -> CheckoutSession:
    """Charge the session once; raise SessionIsClosed or CardDeclined."""
    with transaction.atomic():
        session = _lock(session_id)
        if session.status == CheckoutSession.Status.OPEN and session.expires_at <= now:
            _expire(session, now, BY_ITSELF)
        is_open = session.status == CheckoutSession.Status.OPEN
        if is_open:
            _attempt(session, method, email, name, now)
    if not is_open:
        raise SessionIsClosed(session)
    if method.type == "card" and method.decline:
        raise CardDeclined(method.decline.message)
    return session


def settle_processing(now: datetime) -> int:
    """Finish the delayed payments whose time has come; return how many."""
    due = PaymentIntent.objects.filter(status=_Status.PROCESSING, settles_at__lte=now)
    with transaction.atomic():
        intents = list(
            due.select_related("session").select_for_update(skip_locked=True).order_by("id")
        )
        for intent in intents:
            _settle(intent, now)
    return len(intents)


def _lock(session_id: str) -> CheckoutSession:
    return CheckoutSession.objects.select_for_update().get(stripe_id=session_id)


def _expire(session: CheckoutSession, now: datetime, cause: Cause) -> None:
    session.status = CheckoutSession.Status.EXPIRED
    session.save(update_fields=["status"])
    events.record("checkout.session.expired", session_json(session), now=now, cause=cause)


def _attempt(
    session: CheckoutSession, method: Method, email: str, name: str | None, now: datetime
) -> None:
    intent, is_new = PaymentIntent.objects.get_or_create(
        session=session, defaults={"stripe_id": new_id("pi"), "created_at": now}
    )
    if is_new:
        events.record("payment_intent.created", payment_intent_json(intent), now=now)
    is_card = method.type == "card"
    charge = Charge(
        stripe_id=new_id("ch" if is_card else "py"),
        created_at=now,
        payment_intent=intent,
        status=Charge.Status.PENDING,
        payment_method_id=new_id("pm"),
        payment_method_details=method.details,
        refund_course=method.refund_course,
        billing_email=email,
        billing_name=name,
    )
    if is_card and method.decline:
        _refuse(charge, method.decline, now)
        return
    session.status = CheckoutSession.Status.COMPLETE
    session.payer_email, session.payer_name = email, name
    if is_card:
        _collect(charge, session, now)
    else:
        _process(charge, session, will_fail=method.decline is not None, now=now)
    events.record("checkout.session.completed", session_json(session), now=now)
    if method.disputed_as:
        disputes.open_on(charge, session.amount_total, method.disputed_as, now)


def _collect(charge: Charge, session: CheckoutSession, now: datetime) -> None:
    intent = charge.payment_intent
    charge.status = Charge.Status.SUCCEEDED
    charge.save()
    intent.status, intent.settles_at = _Status.SUCCEEDED, None
    intent.save(update_fields=["status", "settles_at"])
    session.payment_status = CheckoutSession.PaymentStatus.PAID
    session.save()
    events.record("payment_intent.succeeded", payment_intent_json(intent), now=now)
    events.record("charge.succeeded", charge_json(charge), now=now)


def _process(charge: Charge, session: CheckoutSession, *, will_fail: bool, now: datetime) -> None:
    intent = charge.payment_intent
    charge.save()
    intent.status, intent.will_fail = _Status.PROCESSING, will_fail
    intent.settles_at = now + DELAYED_SETTLEMENT
    intent.save(update_fields=["status", "will_fail", "settles_at"])
    session.save()
    events.record("payment_intent.processing", payment_intent_json(intent), now=now)
    events.record("charge.pending", charge_json(charge), now=now)


def _refuse(charge: Charge, decline: Decline, now: datetime) -> None:
    intent = charge.payment_intent
    charge.status = Charge.Status.FAILED
    charge.failure_code, charge.failure_message = decline.code, decline.message
    charge.decline_code = decline.decline_code
    charge.save()
    intent.status, intent.settles_at = _Status.REQUIRES_PAYMENT_METHOD, None
    intent.save(update_fields=["status", "settles_at"])
    events.record("charge.failed", charge_json(charge), now=now)
    events.record("payment_intent.payment_failed", payment_intent_json(intent), now=now)


def _settle(intent: PaymentIntent, now: datetime) -> None:
    session, charge = intent.session, intent.charges.get(status=Charge.Status.PENDING)
    charge.payment_intent = intent
    if intent.will_fail:
        _refuse(charge, ACCOUNT_FAILURE, now)
        outcome = "async_payment_failed"
    else:
        _collect(charge, session, now)
        outcome = "async_payment_succeeded"
    events.record(f"checkout.session.{outcome}", session_json(session), now=now)
