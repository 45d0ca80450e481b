"""The only way to Stripe: its SDK in, our own words out."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any, TypeVar

import stripe
from django.conf import settings
from stripe._v1_services import V1Services

T = TypeVar("T")
# The version that the SDK speaks: Stripe's events have to be of it too.
API_VERSION: str = stripe.api_version
MOST_CENTS = 10**15
_ID = re.compile(r"[A-Za-z0-9_]{1,255}", re.ASCII)

# A caller hears from us within 15 s (HAZARDS, Money and API): to connect and to read, once more,
# and whatever Stripe does in the meantime.
TIMEOUT_SECONDS = (2, 4)
RETRIES = 1
DEADLINE_SECONDS = 14
_callers = ThreadPoolExecutor(max_workers=32, thread_name_prefix="stripe")

SIGNATURE_TOLERANCE_SECONDS = 300


class StripeUnavailableError(Exception):
    """Stripe is slow, down, limits us, or answers with something that is not its own."""


class StripeRefusedError(Exception):
    """Stripe understood the request and said no; the message is Stripe's."""


class InvalidSignatureError(Exception):
    """The body was not signed by Stripe with a secret of ours, or not now."""


class UnexpectedObjectError(ValueError):
    """An object of Stripe's lacks what we need: another API version, or not what it says it is."""


@dataclass(frozen=True)
class CheckoutSession:
    """What we need to know of a checkout session; `amount` in cents."""

    session_id: str
    mode: str
    payment_status: str
    amount: int
    currency: str
    livemode: bool
    payment_intent_id: str | None
    user_id: str | None
    payment_id: str | None
    url: str | None
    expires_at: datetime


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
    payment_id: int,
    user_id: int,
    amount: int,
    currency: str,
    success_url: str,
    cancel_url: str,
) -> CheckoutSession:
    """Ask Stripe for a session over `amount` cents; asked again for one payment, it is the same.

    Raises StripeUnavailableError and StripeRefusedError.
    """
    names = {"payment_id": str(payment_id), "user_id": str(user_id)}
    price: Any = {
        "currency": currency,
        "unit_amount": amount,
        "product_data": {"name": "Gatewayz credits"},
    }
    create = partial(
        _stripe().checkout.sessions.create,
        params={
            "mode": "payment",
            "line_items": [{"quantity": 1, "price_data": price}],
            "success_url": success_url,
            "cancel_url": cancel_url,
            "client_reference_id": str(user_id),
            "metadata": names,
            "payment_intent_data": {"metadata": names},
        },
        options={"idempotency_key": f"payment:{payment_id}"},
    )
    with _in_our_words():
        session = _within_deadline(create)
        if not isinstance(session, stripe.checkout.Session):
            raise UnexpectedObjectError("this is no checkout session")
        return read_checkout_session(session.to_dict())


def _within_deadline(call: Callable[[], T]) -> T:
    """Make a call while somebody waits: a time-out alone lets an answer trickle in for ever."""
    answer = _callers.submit(call)
    try:
        return answer.result(timeout=DEADLINE_SECONDS)
    except TimeoutError as error:
        answer.cancel()
        raise UnexpectedObjectError(f"no answer within {DEADLINE_SECONDS} s") from error


def card_fingerprint(payment_intent_id: str) -> str | None:
    """Return what Stripe knows the card of a payment by; None when it was paid by other means.

    Raises StripeUnavailableError and StripeRefusedError.
    """
    with _in_our_words():
        intent = _stripe().payment_intents.retrieve(
            payment_intent_id, params={"expand": ["latest_charge"]}
        )
    charge = intent.to_dict().get("latest_charge") or {}
    card = (charge.get("payment_method_details") or {}).get("card") or {}
    fingerprint: str | None = card.get("fingerprint")
    return fingerprint


def paid_sessions(*, since: datetime) -> Iterator[Mapping[str, Any]]:
    """List the sessions that were created since then and are paid, newest first, as JSON.

    Raises StripeUnavailableError and StripeRefusedError, also while it is read.
    """
    with _in_our_words():
        sessions = _stripe().checkout.sessions.list(
            params={"status": "complete", "created": {"gte": int(since.timestamp())}, "limit": 100}
        )
        for session in sessions.auto_paging_iter():
            if session.payment_status == "paid":
                yield session.to_dict()


def events(*, types: list[str], since: datetime) -> Iterator[Mapping[str, Any]]:
    """List the events of these types that were created since then, newest first, as JSON.

    Raises StripeUnavailableError and StripeRefusedError, also while it is read.
    """
    with _in_our_words():
        listed = _stripe().events.list(
            params={"types": types, "created": {"gte": int(since.timestamp())}, "limit": 100}
        )
        for event in listed.auto_paging_iter():
            yield event.to_dict()


def _stripe() -> V1Services:
    return _client(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE).v1


@contextmanager
def _in_our_words() -> Iterator[None]:
    """Turn Stripe's errors into ours."""
    try:
        yield
    except stripe.InvalidRequestError as error:
        raise StripeRefusedError(error.user_message or str(error)) from error
    except (stripe.StripeError, UnexpectedObjectError) as error:
        raise StripeUnavailableError(type(error).__name__) from error


def read_checkout_session(data: Mapping[str, Any]) -> CheckoutSession:
    """Read Stripe's JSON of a checkout session. Raises UnexpectedObjectError."""
    try:
        metadata = data.get("metadata") or {}
        session = CheckoutSession(
            session_id=_identifier(_typed(data, "id", str)),
            mode=_typed(data, "mode", str),
            payment_status=_typed(data, "payment_status", str),
            amount=_cents(data, "amount_total"),
            currency=_typed(data, "currency", str),
            livemode=_typed(data, "livemode", bool),
            payment_intent_id=_payment_intent_id(data.get("payment_intent")),
            user_id=metadata.get("user_id"),
            payment_id=metadata.get("payment_id"),
            url=data.get("url"),
            expires_at=datetime.fromtimestamp(_typed(data, "expires_at", int), UTC),
        )
    except (AttributeError, OverflowError, OSError, ValueError) as error:
        raise UnexpectedObjectError(f"checkout session: {error}") from error
    return session


@dataclass(frozen=True)
class Claim:
    """What we need to know of a refund or a dispute; `amount` in cents, `status` Stripe's."""

    stripe_id: str
    payment_intent_id: str
    amount: int
    currency: str
    status: str


def read_claim(data: Mapping[str, Any]) -> Claim:
    """Read Stripe's JSON of a refund or a dispute. Raises UnexpectedObjectError."""
    payment_intent_id = _payment_intent_id(data.get("payment_intent"))
    if payment_intent_id is None:
        raise UnexpectedObjectError("payment_intent is missing")
    return Claim(
        stripe_id=_identifier(_typed(data, "id", str)),
        payment_intent_id=payment_intent_id,
        amount=_cents(data, "amount"),
        currency=_typed(data, "currency", str),
        status=_typed(data, "status", str),
    )


def _typed(data: Mapping[str, Any], field: str, kind: type[T]) -> T:
    value = data.get(field)
    if type(value) is not kind:
        raise UnexpectedObjectError(f"{field} is missing or is no {kind.__name__}")
    return value


def _cents(data: Mapping[str, Any], field: str) -> int:
    cents = _typed(data, field, int)
    if abs(cents) > MOST_CENTS:
        raise UnexpectedObjectError(f"{field} is more than money can be")
    return cents


def _identifier(value: str) -> str:
    if not _ID.fullmatch(value):
        raise UnexpectedObjectError("id has another form than Stripe's")
    return value


def _payment_intent_id(value: object) -> str | None:
    """Return the id of an object that Stripe gives by id or, expanded, whole."""
    if isinstance(value, Mapping):
        value = value.get("id")
    return _identifier(value) if isinstance(value, str) else None


def verify_signature(body: bytes, header: str) -> None:
    """Check that Stripe signed `body` with one of our secrets within the last five minutes.

    Raises InvalidSignatureError.
    """
    for secret in settings.STRIPE_WEBHOOK_SECRETS:
        try:
            stripe.WebhookSignature.verify_header(body, header, secret, SIGNATURE_TOLERANCE_SECONDS)
        # TypeError: a header that is not ASCII; ValueError: a body that is not UTF-8.
        except (stripe.SignatureVerificationError, ValueError, TypeError):
            continue
        # The SDK lets a timestamp lie in the future, and so a signature be kept for later.
        signed_at = re.search(r"(?:\A|,)t=(\d+)", header, re.ASCII)
        if signed_at and int(signed_at[1]) <= time.time() + SIGNATURE_TOLERANCE_SECONDS:
            return
    raise InvalidSignatureError
