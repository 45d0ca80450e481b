"""Reads the objects of Stripe that the program uses, and refuses what is not of their form."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from payments.errors import PaymentError

T = TypeVar("T")
# In the metadata of each session of ours: other programs may sell by the same Stripe account.
MARK = {"program": "gatewayz-referrals"}
MAX_CENTS = 10**15
_ID = re.compile(r"[A-Za-z0-9_]{1,255}", re.ASCII)


class UnexpectedObjectError(PaymentError):
    """A Stripe object lacks a field that we need, or the field has another type."""


@dataclass(frozen=True)
class CheckoutSession:
    """The fields of a checkout session that we use; `amount` in cents."""

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


def read_checkout_session(data: Mapping[str, Any]) -> CheckoutSession:
    """Read Stripe's JSON of a checkout session. Raises UnexpectedObjectError."""
    try:
        metadata = data.get("metadata") or {}
        session = CheckoutSession(
            session_id=_identifier(_required(data, "id", str)),
            mode=_required(data, "mode", str),
            payment_status=_required(data, "payment_status", str),
            amount=_cents(data, "amount_total"),
            currency=_required(data, "currency", str),
            livemode=_required(data, "livemode", bool),
            payment_intent_id=_payment_intent_id(data.get("payment_intent")),
            user_id=metadata.get("user_id"),
            payment_id=metadata.get("payment_id"),
            url=data.get("url"),
            expires_at=datetime.fromtimestamp(_required(data, "expires_at", int), UTC),
        )
    except (AttributeError, OverflowError, OSError, ValueError, UnexpectedObjectError) as error:
        raise UnexpectedObjectError(f"checkout session: {error}") from error
    return session


@dataclass(frozen=True)
class RefundOrDispute:
    """The fields of a refund or a dispute that we use; `amount` in cents, `status` as at Stripe."""

    stripe_id: str
    payment_intent_id: str
    amount: int
    currency: str
    status: str


def read_refund_or_dispute(data: Mapping[str, Any]) -> RefundOrDispute:
    """Read Stripe's JSON of a refund or a dispute. Raises UnexpectedObjectError."""
    payment_intent_id = _payment_intent_id(data.get("payment_intent"))
    if payment_intent_id is None:
        raise UnexpectedObjectError("payment_intent is missing")
    return RefundOrDispute(
        stripe_id=_identifier(_required(data, "id", str)),
        payment_intent_id=payment_intent_id,
        amount=_cents(data, "amount"),
        currency=_required(data, "currency", str),
        status=_required(data, "status", str),
    )


def _required(data: Mapping[str, Any], field: str, kind: type[T]) -> T:
    value = data.get(field)
    # Not isinstance: True is an int.
    if type(value) is not kind:
        raise UnexpectedObjectError(f"{field} is missing or not of type {kind.__name__}")
    return value


def _cents(data: Mapping[str, Any], field: str) -> int:
    cents = _required(data, field, int)
    if abs(cents) > MAX_CENTS:
        raise UnexpectedObjectError(f"{field} is too large for an amount of money")
    return cents


def _identifier(value: str) -> str:
    if not _ID.fullmatch(value):
        raise UnexpectedObjectError("the id does not have the form of a Stripe id")
    return value


def _payment_intent_id(value: object) -> str | None:
    """Return the id of a payment intent, which Stripe sends as an id or as a whole object."""
    if isinstance(value, Mapping):
        value = value.get("id")
    return _identifier(value) if isinstance(value, str) else None
