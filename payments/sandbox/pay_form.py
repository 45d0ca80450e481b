"""What a payer types on the payment page; its messages are Stripe's."""

import re
from dataclasses import replace
from datetime import date

from django import forms
from django.http import QueryDict

from payments.sandbox.payment_methods import (
    CARD_BY_DIGITS,
    FAILING_ACCOUNT,
    PAYING_ACCOUNT,
    Method,
)

INCOMPLETE_EMAIL = "Your email is incomplete."
NOT_A_TEST_CARD = "Your card was declined. Your request was in test mode, but used a non test card."

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
        choices=[
            (PAYING_ACCOUNT.number, "Success account"),
            (FAILING_ACCOUNT.number, "Failing account"),
        ],
        error_messages={"invalid_choice": "Only the test accounts work in test mode."},
    )

    def __init__(self, data: QueryDict | None, *, today: date) -> None:
        super().__init__(data)
        self.today = today

    @property
    def is_delayed(self) -> bool:
        """Say whether the payer chose the bank account, so that no card is read."""
        return bool(self["payment_method"].value() == "delayed")

    def clean_card_number(self) -> Method | None:
        digits = re.sub(r"[\s-]", "", self.cleaned_data["card_number"])
        if self.is_delayed:
            return None
        if not re.fullmatch(r"[0-9]{12,19}", digits, re.ASCII):
            raise forms.ValidationError("Your card number is incomplete.")
        if digits not in CARD_BY_DIGITS:
            raise forms.ValidationError(NOT_A_TEST_CARD, code="declined")
        return CARD_BY_DIGITS[digits]

    def clean_card_expiry(self) -> tuple[int, int] | None:
        """Return month and year; a card is good until the end of its month."""
        match = _EXPIRY.fullmatch(self.cleaned_data["card_expiry"])
        if self.is_delayed:
            return None
        if match is None:
            raise forms.ValidationError("Your card's expiration date is incomplete.")
        month, year = int(match[1]), 2000 + int(match[2])
        if (year, month) < (self.today.year, self.today.month):
            raise forms.ValidationError("Your card's expiration date is in the past.")
        return month, year

    def clean_card_cvc(self) -> None:
        """Check the security code, and forget it."""
        is_complete = re.fullmatch(r"[0-9]{3,4}", self.cleaned_data["card_cvc"], re.ASCII)
        if not self.is_delayed and not is_complete:
            raise forms.ValidationError("Your card's security code is incomplete.")

    def method(self) -> Method:
        """Return what the payer pays with; only for a valid form."""
        if self.is_delayed:
            is_failing = self.cleaned_data["account_number"] == FAILING_ACCOUNT.number
            return FAILING_ACCOUNT if is_failing else PAYING_ACCOUNT
        card: Method = self.cleaned_data["card_number"]
        month, year = self.cleaned_data["card_expiry"]
        return replace(card, exp_month=month, exp_year=year)
