"""The only module that uses Stripe's SDK; it returns our own dataclasses and errors."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache, partial
from threading import BoundedSemaphore
from typing import Any, TypeVar

import stripe
from django.conf import settings
from stripe._v1_services import V1Services

from payments.errors import PaymentError
from payments.stripe_objects import (
    MARK,
    CheckoutSession,
    UnexpectedObjectError,
    read_checkout_session,
)

T = TypeVar("T")
# The SDK's API version. The webhook endpoint at Stripe must be set to the same version.
API_VERSION: str = stripe.api_version

# Two attempts, each 1.5 s to connect and 3.5 s to read, and the SDK's pause between them fit into
# the deadline.
TIMEOUT_SECONDS = (1.5, 3.5)
RETRIES = 1
# So many requests of a process may wait for Stripe at once. The server has twice as many threads,
# and those left go on serving all others. A few that come in the same moment, while Stripe answers
# as usual, wait for a place; while it does not, nobody holds a thread for longer than that.
MOST_WAITING = 4
PLACE_SECONDS = 0.2
_free_places = BoundedSemaphore(MOST_WAITING)
_executor = ThreadPoolExecutor(max_workers=MOST_WAITING, thread_name_prefix="stripe")

SIGNATURE_TOLERANCE_SECONDS = 300


class StripeUnavailableError(PaymentError):
    """Stripe is slow, down, rate-limits us, or its answer is not a Stripe object."""


class StripeRefusedError(PaymentError):
    """Stripe rejected the request; the message is Stripe's."""


class SessionConflictError(PaymentError):
    """Stripe knows the idempotency key from a request with other parameters."""


class InvalidSignatureError(PaymentError):
    """The body has no valid signature by one of our secrets, or the signature is too old."""


@cache
def _client(secret_key: str, api_base: str) -> stripe.StripeClient:
    return stripe.StripeClient(
        secret_key,
        base_addresses={"api": api_base},
        max_network_retries=RETRIES,
        http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
    )


def create_checkout_session(
    *,
    idempotency_key: str,
    payment_id: int,
    user_id: int,
    amount: int,
    currency: str,
    success_url: str,
    cancel_url: str,
    deadline: float,
) -> CheckoutSession:
    """Create a session over `amount` cents; a second call with a key returns the same session.

    It waits until `deadline`, a time of `time.monotonic`; while MOST_WAITING others wait, only for
    PLACE_SECONDS.

    Raises StripeUnavailableError, StripeRefusedError and SessionConflictError.
    """
    metadata = {**MARK, "payment_id": str(payment_id), "user_id": str(user_id)}
    product = {"name": "Gatewayz credits"}
    price: Any = {"currency": currency, "unit_amount": amount, "product_data": product}
    create = partial(
        _stripe().checkout.sessions.create,
        params={
            "mode": "payment",
            "line_items": [{"quantity": 1, "price_data": price}],
            "success_url": success_url,
            "cancel_url": cancel_url,
            "client_reference_id": str(user_id),
            "metadata": metadata,
            "payment_intent_data": {"metadata": metadata},
        },
        options={"idempotency_key": idempotency_key},
    )
    with _translate_errors():
        session = _call_before(deadline, create)
        if not isinstance(session, stripe.checkout.Session):
            raise UnexpectedObjectError("the answer is not a checkout session")
        return read_checkout_session(session.to_dict())


def _call_before(deadline: float, call: Callable[[], T]) -> T:
    """Return the call's result, or raise UnexpectedObjectError at the deadline."""
    if not _free_places.acquire(timeout=PLACE_SECONDS):
        raise UnexpectedObjectError(f"{MOST_WAITING} requests already wait")
    # A read time-out restarts with each byte, so a slow answer could take for ever. The thread may
    # run on after the deadline, and keeps its place, but the client gets an answer.
    answer = _executor.submit(_call_and_release, call)
    try:
        return answer.result(timeout=max(0, deadline - time.monotonic()))
    except TimeoutError as error:
        raise UnexpectedObjectError("no answer before the deadline") from error


def _call_and_release(call: Callable[[], T]) -> T:
    try:
        return call()
    finally:
        _free_places.release()


def card_fingerprint(payment_intent_id: str) -> str | None:
    """Return Stripe's fingerprint of the card that paid; None for other payment methods.

    Raises StripeUnavailableError and StripeRefusedError.
    """
    details = _latest_charge(payment_intent_id).get("payment_method_details") or {}
    fingerprint: str | None = (details.get("card") or {}).get("fingerprint")
    return fingerprint


def paid_at(payment_intent_id: str) -> datetime | None:
    """Return when a payment intent was paid; None if it was not.

    Raises StripeUnavailableError and StripeRefusedError.
    """
    created = _latest_charge(payment_intent_id).get("created")
    return datetime.fromtimestamp(created, UTC) if created else None


def _latest_charge(payment_intent_id: str) -> dict[str, Any]:
    with _translate_errors():
        intent = _stripe().payment_intents.retrieve(
            payment_intent_id, params={"expand": ["latest_charge"]}
        )
    return intent.to_dict().get("latest_charge") or {}


def list_paid_sessions(*, since: datetime) -> Iterator[Mapping[str, Any]]:
    """Yield the paid sessions that were created since then, newest first, as JSON.

    Raises StripeUnavailableError and StripeRefusedError, also between two items.
    """
    sessions = _list(lambda: _stripe().checkout.sessions, since, status="complete")
    return (session for session in sessions if session["payment_status"] == "paid")


def list_events(*, types: list[str], since: datetime) -> Iterator[Mapping[str, Any]]:
    """Yield the events of these types that were created since then, newest first, as JSON.

    Raises StripeUnavailableError and StripeRefusedError, also between two items.
    """
    return _list(lambda: _stripe().events, since, types=types)


def list_balance_transactions(*, since: datetime, until: datetime) -> Iterator[Mapping[str, Any]]:
    """Yield what moved the account's balance in this time, each with its source, as JSON.

    Raises StripeUnavailableError and StripeRefusedError, also between two items.
    """
    return _list(lambda: _stripe().balance_transactions, since, until, expand=["data.source"])


def list_payouts(*, since: datetime, until: datetime) -> Iterator[Mapping[str, Any]]:
    """Yield the payouts that were created in this time, newest first, as JSON.

    Raises StripeUnavailableError and StripeRefusedError, also between two items.
    """
    return _list(lambda: _stripe().payouts, since, until)


def _list(
    service: Callable[[], Any], since: datetime, until: datetime | None = None, **filters: Any
) -> Iterator[Mapping[str, Any]]:
    created = {"gte": int(since.timestamp())} | ({"lt": int(until.timestamp())} if until else {})
    with _translate_errors():
        listed = service().list(params={"created": created, "limit": 100, **filters})
        for row in listed.auto_paging_iter():
            yield row.to_dict()


def _stripe() -> V1Services:
    return _client(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE).v1


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Raise our own errors in place of the SDK's."""
    try:
        yield
    except stripe.InvalidRequestError as error:
        raise StripeRefusedError(error.user_message or str(error)) from error
    except stripe.IdempotencyError as error:
        raise SessionConflictError(str(error)) from error
    except (stripe.StripeError, UnexpectedObjectError) as error:
        raise StripeUnavailableError(type(error).__name__) from error


def verify_signature(body: bytes, header: str) -> None:
    """Check that Stripe signed `body` with one of our secrets within the last five minutes.

    Raises InvalidSignatureError.
    """
    for secret in settings.STRIPE_WEBHOOK_SECRETS:
        try:
            stripe.WebhookSignature.verify_header(body, header, secret, SIGNATURE_TOLERANCE_SECONDS)
        # The SDK raises TypeError for a header that is not ASCII, ValueError for a body that is
        # not UTF-8.
        except (stripe.SignatureVerificationError, ValueError, TypeError):
            continue
        # The SDK accepts a timestamp in the future: such a signature would stay valid for longer.
        signed_at = re.search(r"(?:\A|,)t=(\d+)", header, re.ASCII)
        if signed_at and int(signed_at[1]) <= time.time() + SIGNATURE_TOLERANCE_SECONDS:
            return
    raise InvalidSignatureError
