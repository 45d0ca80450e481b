"""The test cards and test bank accounts, and what each of them does."""

import hashlib
from dataclasses import dataclass
from typing import Any

from django.db.models import TextChoices


@dataclass(frozen=True)
class Decline:
    """Why a payment fails, in Stripe's words and code."""

    message: str
    code: str = "card_declined"


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
class Method:
    """A card or a bank account that Stripe publishes for tests.

    The number of a card is grouped as it is printed on it; a bank account has no brand.
    """

    number: str
    label: str
    decline: Decline | None = None
    refund_course: RefundCourse = RefundCourse.AT_ONCE
    disputed_as: CaseType | None = None
    exp_month: int = 0
    exp_year: int = 0

    @property
    def brand(self) -> str:
        """Return the brand of a card by its first digit."""
        return {"3": "amex", "4": "visa", "5": "mastercard"}.get(self.number[0], "")

    @property
    def is_card(self) -> bool:
        """Say whether it pays, or is declined, at once."""
        return bool(self.brand)

    @property
    def details(self) -> dict[str, Any]:
        """Return Stripe's details, which are stored: without the full number."""
        known = {"fingerprint": _fingerprint(self.number), "last4": self.number[-4:]}
        if not self.is_card:
            return {"us_bank_account": known, "type": "us_bank_account"}
        card = known | {
            "brand": self.brand,
            "country": "US",
            "exp_month": self.exp_month,
            "exp_year": self.exp_year,
            "funding": "credit",
            "network": self.brand,
        }
        return {"card": card, "type": "card"}


def _fingerprint(number: str) -> str:
    """Return what Stripe identifies a number by: the same each time."""
    return hashlib.sha256(number.encode()).hexdigest()[:16]


TEST_CARDS = (
    Method("4242 4242 4242 4242", "Pays"),
    Method("5555 5555 5555 4444", "Pays"),
    Method("3782 822463 10005", "Pays"),
    Method("4000 0000 0000 0002", "Declined", Decline("Your card was declined.")),
    Method(
        "4000 0000 0000 9995", "Insufficient funds", Decline("Your card has insufficient funds.")
    ),
    Method(
        "4000 0000 0000 7726",
        "Pays; a refund takes a few seconds",
        refund_course=RefundCourse.LATER,
    ),
    Method(
        "4000 0000 0000 5126",
        "Pays; a refund fails a few seconds later",
        refund_course=RefundCourse.FAILS_LATER,
    ),
    Method(
        "4000 0000 0000 0259", "Pays; then disputed as fraudulent", disputed_as=CaseType.CHARGEBACK
    ),
    Method("4000 0000 0000 1976", "Pays; then an inquiry", disputed_as=CaseType.INQUIRY),
)
CARD_BY_DIGITS = {card.number.replace(" ", ""): card for card in TEST_CARDS}

ACCOUNT_FAILURE = Decline(
    "The customer's bank account could not be located.", "payment_intent_payment_attempt_failed"
)
# A refund to a bank takes time.
PAYING_ACCOUNT = Method(
    "000123456789", "Pays after a few seconds", refund_course=RefundCourse.LATER
)
FAILING_ACCOUNT = Method(
    "000111111116", "Fails after a few seconds", ACCOUNT_FAILURE, RefundCourse.LATER
)
