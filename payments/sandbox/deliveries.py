"""Webhook deliveries: signed, one HTTP POST an attempt, tried again until a 2xx.

An attempt holds the lock of its delivery's row: no other worker makes the same attempt, and the
lock of a worker that dies is released.
"""

import hashlib
import hmac
import logging
import time
from datetime import datetime, timedelta
from threading import Event as Signal
from threading import Thread

import requests
from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from payments.sandbox import checkout, refunds
from payments.sandbox.models import Delivery, DeliverySwitch, Event

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 10
LONGEST_PAUSE = timedelta(seconds=60)
GIVE_UP_AFTER = timedelta(days=3)
ROUND_EVERY_SECONDS = 0.25


def deliver_due(now: datetime) -> int:
    """Do one round: update what is due by now, then try each due delivery once."""
    checkout.expire_overdue(now)
    checkout.settle_processing(now)
    refunds.settle_due(now)
    if is_paused():
        return 0
    due = Delivery.objects.filter(status=Delivery.Status.PENDING, due_at__lte=now)
    return sum(_deliver(due.filter(pk=row.pk), now) for row in due.order_by("id"))


def deliver_now(event: Event, now: datetime) -> Delivery:
    """Deliver an event now, even while deliveries are paused, and again if it was delivered."""
    with transaction.atomic():
        waiting = event.deliveries.filter(status=Delivery.Status.PENDING)
        delivery = waiting.select_for_update(skip_locked=True).order_by("id").first()
        if delivery is None:
            delivery = Delivery.objects.create(event=event, created_at=now, due_at=now)
        _attempt(delivery, now)
    return delivery


def is_paused() -> bool:
    return DeliverySwitch.objects.filter(is_paused=True).exists()


def set_paused(paused: bool) -> None:
    DeliverySwitch.objects.update_or_create(pk=1, defaults={"is_paused": paused})


def signature_header(body: bytes, secret: str, signed_at: int) -> str:
    signed = f"{signed_at}.".encode() + body
    signature = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return f"t={signed_at},v1={signature}"


def start_delivering() -> Thread:
    """Deliver in the background for as long as the process lives."""
    thread = Thread(target=deliver_until, args=(Signal(),), name="webhooks", daemon=True)
    thread.start()
    return thread


def deliver_until(stopped: Signal) -> None:
    """Do round after round until stopped; wait while the database is down."""
    while not stopped.wait(ROUND_EVERY_SECONDS):
        try:
            close_old_connections()
            deliver_due(timezone.now())
        except (DatabaseError, InterfaceError) as error:
            logger.warning("The sandbox's deliveries wait for the database: %s", error)
            connection.close()
    connection.close()


def _deliver(due: QuerySet[Delivery], now: datetime) -> bool:
    """Try a delivery, unless another worker tries it now or has just tried it."""
    with transaction.atomic():
        rows = due.select_related("event")
        delivery = rows.select_for_update(skip_locked=True, of=("self",)).first()
        if delivery:
            _attempt(delivery, now)
    return delivery is not None


def _attempt(delivery: Delivery, now: datetime) -> None:
    status, delivery.last_error = _post(delivery.event.body.encode())
    delivery.last_http_status = status
    delivery.attempts += 1
    if _has_arrived(status):
        delivery.status = Delivery.Status.DELIVERED
    elif now - delivery.created_at >= GIVE_UP_AFTER:
        delivery.status = Delivery.Status.ABANDONED
    else:
        delivery.due_at = now + _pause_after(delivery.attempts)
    delivery.save()


def _pause_after(attempts: int) -> timedelta:
    """Return the pause before the next attempt: 1 s, 2 s, 4 s … up to a minute."""
    return min(timedelta(seconds=2 ** min(attempts - 1, 10)), LONGEST_PAUSE)


def _post(body: bytes) -> tuple[int | None, str]:
    """Send a body to the endpoint; return the HTTP status, if any, and what went wrong."""
    header = signature_header(body, settings.STRIPE_WEBHOOK_SECRETS[0], int(time.time()))
    with requests.Session() as http:
        # Two local servers: a proxy that the environment names must not be used.
        http.trust_env = False
        try:
            answer = http.post(
                settings.STRIPE_SANDBOX_WEBHOOK_URL,
                data=body,
                headers={
                    "Content-Type": "application/json; charset=utf-8",
                    "Stripe-Signature": header,
                    "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
                },
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            return None, type(error).__name__
    return answer.status_code, "" if _has_arrived(answer.status_code) else str(answer.reason)[:200]


def _has_arrived(status: int | None) -> bool:
    return status is not None and 200 <= status < 300
