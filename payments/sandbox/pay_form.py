"""What a payer types on the payment page, checked in Stripe's words."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from django import forms
from django.http import QueryDict

from payments.sandbox.models import CheckoutSession
from payments.sandbox.parameters import is_email
from payments.sandbox.payment_methods import (
    FAILING_ACCOUNT,
    NOT_A_TEST_CARD,
    PAYING_ACCOUNT,
    TEST_ROUTING_NUMBER,
    Method,
    PublishedCard,
    bank_method,
    card_method,
    find_test_card,
    passes_luhn,
)

INCOMPLETE_NUMBER = "Your card number is incomplete."
INVALID_NUMBER = "Your card number is invalid."
INCOMPLETE_EXPIRY = "Your card's expiration date is incomplete."
PAST_EXPIRY = "Your card's expiration date is in the past."
INVALID_EXPIRY_YEAR = "Your card's expiration year is invalid."
INCOMPLETE_CVC = "Your card's security code is incomplete."
INCOMPLETE_EMAIL = "Your email is incomplete."
UNKNOWN_ACCOUNT = "Only the test accounts work in test mode."

_EXPIRY = re.compile(r"(0?[1-9]|1[0-2])\s*[/-]?\s*(?:20)?([0-9]{2})", re.ASCII)
_FARTHEST_EXPIRY_YEARS = 50


class PayForm(forms.Form):
    """The payer's e-mail, method and card; full numbers live no longer than the request."""

    email = forms.CharField(required=False, max_length=800)
    payment_method = forms.ChoiceField(
        required=False, choices=[("card", "Card"), ("delayed", "US bank account")]
    )
    card_number = forms.CharField(required=False, max_length=40)
    card_expiry = forms.CharField(required=False, max_length=12)
    card_cvc = forms.CharField(required=False, max_length=12)
    cardholder_name = forms.CharField(required=False, max_length=200)
    account_number = forms.CharField(required=False, max_length=20)
    routing_number = forms.CharField(required=False, max_length=20)

    def __init__(self, data: QueryDict | None, *, session: CheckoutSession, today: date) -> None:
        super().__init__(data)
        self.session = session
        self.today = today
        self.card: PublishedCard | None = None
        self.expiry = (0, 0)

    @property
    def is_delayed(self) -> bool:
        """Say whether the payer chose the bank account."""
        return bool(self["payment_method"].value() == "delayed")

    def clean_email(self) -> str:
        """Take the session's own address before the payer's."""
        address = self.session.customer_email or str(self.cleaned_data["email"])
        if not is_email(address):
            raise forms.ValidationError(INCOMPLETE_EMAIL)
        return address

    def clean(self) -> dict[str, Any]:
        """Check the fields of the chosen method only."""
        wanted = "us_bank_account" if self.is_delayed else "card"
        if wanted not in self.session.payment_method_types:
            self.add_error("payment_method", "This payment method is not available.")
        elif self.is_delayed:
            self._check("account_number", self._check_account)
        else:
            self._check("card_number", self._check_number)
            self._check("card_expiry", self._check_expiry)
            self._check("card_cvc", self._check_cvc)
        return self.cleaned_data

    def method(self) -> Method:
        """Return what the payer pays with; only for a valid form."""
        if self.card is None:
            return bank_method(self.cleaned_data["account_number"] or PAYING_ACCOUNT)
        month, year = self.expiry
        return card_method(
            self.card, exp_month=month, exp_year=year, amount=self.session.amount_total
        )

    def _check(self, field: str, check: Callable[[str], None]) -> None:
        if field in self.errors:
            return
        try:
            check(self.cleaned_data[field])
        except forms.ValidationError as error:
            self.add_error(field, error)

    def _check_number(self, typed: str) -> None:
        number = re.sub(r"[\s-]", "", typed)
        if not re.fullmatch(r"[0-9]{12,19}", number, re.ASCII):
            raise forms.ValidationError(INCOMPLETE_NUMBER)
        if not passes_luhn(number):
            raise forms.ValidationError(INVALID_NUMBER)
        self.card = find_test_card(number)
        if self.card is None:
            raise forms.ValidationError(NOT_A_TEST_CARD, code="declined")

    def _check_expiry(self, typed: str) -> None:
        match = _EXPIRY.fullmatch(typed.strip())
        if match is None:
            raise forms.ValidationError(INCOMPLETE_EXPIRY)
        month, year = int(match[1]), 2000 + int(match[2])
        if (year, month) < (self.today.year, self.today.month):
            raise forms.ValidationError(PAST_EXPIRY)
        if year > self.today.year + _FARTHEST_EXPIRY_YEARS:
            raise forms.ValidationError(INVALID_EXPIRY_YEAR)
        self.expiry = (month, year)

    def _check_cvc(self, typed: str) -> None:
        digits = 4 if self.card and self.card.brand == "amex" else 3
        lengths = {digits} if self.card else {3, 4}
        if not re.fullmatch(r"[0-9]+", typed.strip(), re.ASCII) or (
            len(typed.strip()) not in lengths
        ):
            raise forms.ValidationError(INCOMPLETE_CVC)

    def _check_account(self, account: str) -> None:
        routing = self.cleaned_data.get("routing_number") or TEST_ROUTING_NUMBER
        known = ("", PAYING_ACCOUNT, FAILING_ACCOUNT)
        if account not in known or routing != TEST_ROUTING_NUMBER:
            raise forms.ValidationError(UNKNOWN_ACCOUNT)
