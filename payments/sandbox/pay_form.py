"""What a payer types on the payment page; its messages are Stripe's."""

import re
from datetime import date
from typing import Any

from django import forms
from django.http import QueryDict

from payments.sandbox.payment_methods import (
    CARD_BY_DIGITS,
    FAILING_ACCOUNT,
    PAYING_ACCOUNT,
    Card,
    Method,
    bank_method,
    card_method,
)

INCOMPLETE_EMAIL = "Your email is incomplete."
INCOMPLETE_NUMBER = "Your card number is incomplete."
NOT_A_TEST_CARD = "Your card was declined. Your request was in test mode, but used a non test card."
INCOMPLETE_EXPIRY = "Your card's expiration date is incomplete."
PAST_EXPIRY = "Your card's expiration date is in the past."
INCOMPLETE_CVC = "Your card's security code is incomplete."
UNKNOWN_ACCOUNT = "Only the test accounts work in test mode."

_EXPIRY = re.compile(r"(0?[1-9]|1[0-2])\s*[/-]?\s*(?:20)?([0-9]{2})", re.ASCII)


class PayForm(forms.Form):
    """The payer's e-mail and card or account; a full number lives no longer than the request."""

    email = forms.EmailField(
        error_messages={"required": INCOMPLETE_EMAIL, "invalid": INCOMPLETE_EMAIL}
    )
    payment_method = forms.ChoiceField(
        required=False, choices=[("card", "Card"), ("delayed", "US bank account")]
    )
    card_number = forms.CharField(required=False)
    card_expiry = forms.CharField(required=False)
    card_cvc = forms.CharField(required=False)
    cardholder_name = forms.CharField(required=False, max_length=200)
    account_number = forms.ChoiceField(
        required=False,
        choices=[(PAYING_ACCOUNT, "Success account"), (FAILING_ACCOUNT, "Failing account")],
        error_messages={"invalid_choice": UNKNOWN_ACCOUNT},
    )

    def __init__(self, data: QueryDict | None, *, today: date) -> None:
        super().__init__(data)
        self.today = today

    @property
    def is_delayed(self) -> bool:
        """Say whether the payer chose the bank account."""
        return bool(self["payment_method"].value() == "delayed")

    def clean(self) -> dict[str, Any]:
        """Read the card, unless the payer chose the bank account."""
        readers = {
            "card_number": _read_card,
            "card_expiry": self._read_expiry,
            "card_cvc": _read_cvc,
        }
        for field, read in readers.items():
            if not self.is_delayed:
                try:
                    self.cleaned_data[field] = read(self.cleaned_data.get(field, ""))
                except forms.ValidationError as error:
                    self.add_error(field, error)
        return self.cleaned_data

    def method(self) -> Method:
        """Return what the payer pays with; only for a valid form."""
        if self.is_delayed:
            return bank_method(self.cleaned_data["account_number"] or PAYING_ACCOUNT)
        month, year = self.cleaned_data["card_expiry"]
        return card_method(self.cleaned_data["card_number"], exp_month=month, exp_year=year)

    def _read_expiry(self, typed: str) -> tuple[int, int]:
        """Return month and year; a card is good until the end of its month."""
        match = _EXPIRY.fullmatch(typed)
        if match is None:
            raise forms.ValidationError(INCOMPLETE_EXPIRY)
        month, year = int(match[1]), 2000 + int(match[2])
        if (year, month) < (self.today.year, self.today.month):
            raise forms.ValidationError(PAST_EXPIRY)
        return month, year


def _read_card(typed: str) -> Card:
    digits = re.sub(r"[\s-]", "", typed)
    if not re.fullmatch(r"[0-9]{12,19}", digits, re.ASCII):
        raise forms.ValidationError(INCOMPLETE_NUMBER)
    if digits not in CARD_BY_DIGITS:
        raise forms.ValidationError(NOT_A_TEST_CARD, code="declined")
    return CARD_BY_DIGITS[digits]


def _read_cvc(typed: str) -> None:
    """Check the security code, and forget it."""
    if not re.fullmatch(r"[0-9]{3,4}", typed, re.ASCII):
        raise forms.ValidationError(INCOMPLETE_CVC)
