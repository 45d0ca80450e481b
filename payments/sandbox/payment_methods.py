"""The test cards and test bank accounts, and what each of them does."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django.db.models import TextChoices

from payments.sandbox.identifiers import derived_token


@dataclass(frozen=True)
class Decline:
    """Why a card is refused, in Stripe's codes and words."""

    code: str
    decline_code: str | None
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
class PublishedCard:
    """A card number that Stripe publishes for tests; `decline` is None when it pays."""

    number: str
    brand: str
    label: str
    decline: Decline | None = None
    refund_course: RefundCourse = RefundCourse.AT_ONCE
    disputed_as: CaseType | None = None

    @property
    def grouped_number(self) -> str:
        """Return the number as it is printed on a card."""
        groups = (4, 10) if self.brand == "amex" else (4, 8, 12)
        edges = (0, *groups, len(self.number))
        return " ".join(self.number[start:end] for start, end in pairwise(edges))


TEST_CARDS = (
    PublishedCard("4242424242424242", "visa", "Pays"),
    PublishedCard("5555555555554444", "mastercard", "Pays"),
    PublishedCard("378282246310005", "amex", "Pays"),
    PublishedCard(
        "4000000000000002",
        "visa",
        "Declined",
        Decline("card_declined", "generic_decline", "Your card was declined."),
    ),
    PublishedCard(
        "4000000000009995",
        "visa",
        "Insufficient funds",
        Decline("card_declined", "insufficient_funds", "Your card has insufficient funds."),
    ),
    PublishedCard(
        "4000000000007726",
        "visa",
        "Pays; a refund takes a few seconds",
        refund_course=RefundCourse.LATER,
    ),
    PublishedCard(
        "4000000000005126",
        "visa",
        "Pays; a refund fails a few seconds later",
        refund_course=RefundCourse.FAILS_LATER,
    ),
    PublishedCard(
        "4000000000000259",
        "visa",
        "Pays; then disputed as fraudulent",
        disputed_as=CaseType.CHARGEBACK,
    ),
    PublishedCard(
        "4000000000001976", "visa", "Pays; then an inquiry", disputed_as=CaseType.INQUIRY
    ),
)
_BY_NUMBER = {card.number: card for card in TEST_CARDS}

NOT_A_TEST_CARD = "Your card was declined. Your request was in test mode, but used a non test card."

TEST_ROUTING_NUMBER = "110000000"
PAYING_ACCOUNT = "000123456789"
FAILING_ACCOUNT = "000111111116"
ACCOUNT_FAILURE = Decline(
    "payment_intent_payment_attempt_failed",
    None,
    "The customer's bank account could not be located.",
)


@dataclass(frozen=True)
class Method:
    """What a payer pays with, in the form that may be stored: never a full number."""

    type: str
    details: dict[str, Any]
    decline: Decline | None = None
    refund_course: RefundCourse = RefundCourse.AT_ONCE
    disputed_as: CaseType | None = None


def find_test_card(number: str) -> PublishedCard | None:
    """Return the published test card of that number."""
    return _BY_NUMBER.get(number)


def passes_luhn(number: str) -> bool:
    """Say whether the last digit is the check digit of the others."""
    digits = [int(digit) for digit in reversed(number)]
    doubled = sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + doubled) % 10 == 0


def card_method(card: PublishedCard, *, exp_month: int, exp_year: int, amount: int) -> Method:
    """Return a card as a charge's `payment_method_details` describe it."""
    details = {
        "amount_authorized": None if card.decline else amount,
        "authorization_code": None,
        "brand": card.brand,
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": None,
            "cvc_check": "pass",
        },
        "country": "US",
        "exp_month": exp_month,
        "exp_year": exp_year,
        "extended_authorization": {"status": "disabled"},
        "fingerprint": derived_token(f"card:{card.number}"),
        "funding": "credit",
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "last4": card.number[-4:],
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": card.brand,
        "network_token": {"used": False},
        "network_transaction_id": None,
        "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
        "regulated_status": "unregulated",
        "three_d_secure": None,
        "transaction_link_id": None,
        "wallet": None,
    }
    return Method(
        type="card",
        details={"card": details, "type": "card"},
        decline=card.decline,
        refund_course=card.refund_course,
        disputed_as=card.disputed_as,
    )


def bank_method(account_number: str) -> Method:
    """Return a test account as a charge's `payment_method_details` describe it."""
    details = {
        "account_holder_type": "individual",
        "account_type": "checking",
        "bank_name": "STRIPE TEST BANK",
        "expected_debit_date": None,
        "fingerprint": derived_token(f"bank:{account_number}"),
        "last4": account_number[-4:],
        "mandate": None,
        "payment_reference": None,
        "routing_number": TEST_ROUTING_NUMBER,
    }
    return Method(
        type="us_bank_account",
        details={"type": "us_bank_account", "us_bank_account": details},
        decline=ACCOUNT_FAILURE if account_number == FAILING_ACCOUNT else None,
        refund_course=RefundCourse.LATER,
    )
