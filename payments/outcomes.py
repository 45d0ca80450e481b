"""What came of an event: what a handler did with it, or why it must not touch anything."""

from dataclasses import dataclass

from accounts.money import dollars_of_cents
from payments.models import Payment, StripeEvent


class QuarantinedError(Exception):
    """The event is authentic, but does not fit our record; the message says where."""


@dataclass(frozen=True)
class Handled:
    """What a handler did, to be kept beside the event."""

    outcome: StripeEvent.Outcome
    payment: Payment | None
    reason: str = ""


def compare(what: str, theirs: object, ours: object) -> None:
    """Raise QuarantinedError unless what Stripe says is what our record says."""
    if theirs != ours:
        raise QuarantinedError(f"{what} is {theirs!r}, but {ours!r} in our record")


def compare_amount(of: str, theirs: int, ours: int) -> None:
    """Raise QuarantinedError unless both are as many cents, and say in dollars what they are of."""
    if theirs != ours:
        said, known = dollars_of_cents(theirs), dollars_of_cents(ours)
        raise QuarantinedError(f"the amount of the {of} is {said}, but {known} in our record")
