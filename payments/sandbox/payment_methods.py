"""The test cards and test bank accounts, and what each of them does."""

import hashlib
from dataclasses import dataclass
from typing import Any

from django.db.models import TextChoices


@dataclass(frozen=True)
class Decline:
    """Why a payment fails, in Stripe's code and words."""

    code: str
    message: str


class RefundCourse(TextChoices):
    """What becomes of a refund: done at once, done later, or undone by the bank later."""

    AT_ONCE = "at_once"
    LATER = "later"
    FAILS_LATER = "fails_later"


class CaseType(TextChoices):
    """How a bank disputes: an inquiry only asks, a chargeback takes the money meanwhile."""

    CHARGEBACK = "chargeback"
    INQUIRY = "inquiry"


@dataclass(frozen=True)
class Card:
    """A card that Stripe publishes for tests; `number` is grouped as it is printed on a card."""

    number: str
    brand: str
    label: str
    decline: Decline | None = None
    refund_course: RefundCourse = RefundCourse.AT_ONCE
    disputed_as: CaseType | None = None


TEST_CARDS = (
    Card("4242 4242 4242 4242", "visa", "Pays"),
    Card("5555 5555 5555 4444", "mastercard", "Pays"),
    Card("3782 822463 10005", "amex", "Pays"),
    Card(
        "4000 0000 0000 0002",
        "visa",
        "Declined",
        Decline("card_declined", "Your card was declined."),
    ),
    Card(
        "4000 0000 0000 9995",
        "visa",
        "Insufficient funds",
        Decline("card_declined", "Your card has insufficient funds."),
    ),
    Card(
        "4000 0000 0000 7726",
        "visa",
        "Pays; a refund takes a few seconds",
        refund_course=RefundCourse.LATER,
    ),
    Card(
        "4000 0000 0000 5126",
        "visa",
        "Pays; a refund fails a few seconds later",
        refund_course=RefundCourse.FAILS_LATER,
    ),
    Card(
        "4000 0000 0000 0259",
        "visa",
        "Pays; then disputed as fraudulent",
        disputed_as=CaseType.CHARGEBACK,
    ),
    Card("4000 0000 0000 1976", "visa", "Pays; then an inquiry", disputed_as=CaseType.INQUIRY),
)
CARD_BY_DIGITS = {card.number.replace(" ", ""): card for card in TEST_CARDS}

PAYING_ACCOUNT = "000123456789"
FAILING_ACCOUNT = "000111111116"
ACCOUNT_FAILURE = Decline(
    "payment_intent_payment_attempt_failed", "The customer's bank account could not be located."
)


@dataclass(frozen=True)
class Method:
    """What a payer pays with. `details` are Stripe's and stored, so without the full number."""

    details: dict[str, Any]
    decline: Decline | None = None
    refund_course: RefundCourse = RefundCourse.AT_ONCE
    disputed_as: CaseType | None = None

    @property
    def type(self) -> str:
        """Return `card` or `us_bank_account`."""
        return str(self.details["type"])


def card_method(card: Card, *, exp_month: int, exp_year: int) -> Method:
    """Return a card as a way to pay."""
    details = {
        "brand": card.brand,
        "country": "US",
        "exp_month": exp_month,
        "exp_year": exp_year,
        "fingerprint": _fingerprint(card.number),
        "funding": "credit",
        "last4": card.number[-4:],
        "network": card.brand,
    }
    return Method(
        {"card": details, "type": "card"}, card.decline, card.refund_course, card.disputed_as
    )


def bank_method(account_number: str) -> Method:
    """Return a test account as a way to pay; a refund to a bank takes time."""
    details = {"fingerprint": _fingerprint(account_number), "last4": account_number[-4:]}
    return Method(
        {"type": "us_bank_account", "us_bank_account": details},
        ACCOUNT_FAILURE if account_number == FAILING_ACCOUNT else None,
        RefundCourse.LATER,
    )


def _fingerprint(number: str) -> str:
    """Return what Stripe identifies a number by: the same each time."""
    return hashlib.sha256(number.encode()).hexdigest()[:16]
