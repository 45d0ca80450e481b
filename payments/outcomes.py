"""The result of handling an event: what the handler did, or why the event is quarantined."""

from dataclasses import dataclass

from accounts.money import dollars_of_cents
from payments.errors import PaymentError
from payments.models import StripeEvent


class QuarantinedError(PaymentError):
    """The event is authentic, but contradicts our record; the message names the difference."""


@dataclass(frozen=True)
class HandlerResult:
    """What a handler did; `inbox` stores it with the event."""

    outcome: StripeEvent.Outcome
    payment_id: int | None
    reason: str = ""
    is_stored: bool = False  # the handler has stored the event itself


def require_same(what: str, theirs: object, ours: object) -> None:
    """Raise QuarantinedError if Stripe's value differs from the one in our record."""
    if theirs != ours:
        raise QuarantinedError(f"{what} is {theirs!r}, but {ours!r} in our record")


def require_same_amount(of: str, theirs: int, ours: int) -> None:
    """Raise QuarantinedError if two amounts in cents differ; the message shows US dollars."""
    if theirs != ours:
        said, known = dollars_of_cents(theirs), dollars_of_cents(ours)
        raise QuarantinedError(f"the amount of the {of} is {said}, but {known} in our record")
