"""Buying credits: the form, and the way to Stripe's page."""

from collections.abc import Callable
from decimal import Decimal
from functools import wraps
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from csp.decorators import csp_update
from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from rest_framework.exceptions import APIException

from accounts import throttling
from accounts.money import from_cents
from gatewayz.site.forms import Form
from gatewayz.site.people import PersonRequest, own_form
from payments.checkout import Order
from payments.models import MAX_AMOUNT_CENTS
from payments.views import (
    IdempotencyKeyReused,
    SessionConflict,
    StripeUnavailable,
    start_checkout,
)

_AMOUNTS = ("10", "25", "50")
_OTHER = "other"


class BuyForm(Form):
    """Asks for an amount in US dollars.

    The token makes a form that is sent twice one purchase.
    """

    amount = forms.ChoiceField(
        label="How much do you want to buy?",
        choices=[*((amount, f"${amount}") for amount in _AMOUNTS), (_OTHER, "Other")],
        widget=forms.RadioSelect(attrs={"class": "amounts"}),
        initial=_AMOUNTS[0],
    )
    other = forms.DecimalField(
        label="Other amount, in dollars",
        required=False,
        min_value=Decimal("0.01"),
        max_value=from_cents(MAX_AMOUNT_CENTS),
        decimal_places=2,
    )
    # Firefox would fill in the token of the page before, after a reload.
    token = forms.UUIDField(initial=uuid4, widget=forms.HiddenInput(attrs={"autocomplete": "off"}))

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        amount = cleaned.get("amount")
        if amount == _OTHER:
            amount = cleaned.get("other")
            if amount is None and "other" not in self.errors:
                self.add_error("other", "Say how much.")
        else:
            self.errors.pop("other", None)
        cleaned["cents"] = amount and int(Decimal(amount) * 100)
        return cleaned


def buy_form(cents: int | None = None) -> BuyForm:
    """Return the form, with the amount chosen if there is one."""
    if cents is None:
        return BuyForm()
    amount = f"{from_cents(cents):f}"
    if amount in _AMOUNTS:
        return BuyForm(initial={"amount": amount})
    return BuyForm(initial={"amount": _OTHER, "other": amount})


def leads_to_stripe(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Allow the forms of the page to lead to the page of Stripe on which people pay."""

    @wraps(view)
    def allowed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # The sandbox serves both its API and that page.
        stripe = settings.STRIPE_API_BASE.replace("//api.stripe.com", "//checkout.stripe.com")
        update: Callable[..., Any] = csp_update({"form-action": [stripe]})
        response: HttpResponse = update(view)(request, *args, **kwargs)
        return response

    return allowed


@own_form
@leads_to_stripe
def buy(request: PersonRequest) -> HttpResponse:
    """Ask for an amount, and lead to Stripe's page to pay it."""
    if request.method != "POST":
        return _form_page(request, buy_form())
    form = BuyForm(request.POST)
    if not form.is_valid():
        return _form_page(request, form, HTTPStatus.BAD_REQUEST)
    cents = form.cleaned_data["cents"]
    try:
        throttling.limit_person(request.user.pk)
        payment = start_checkout(
            request,
            user=request.user,
            order=_order(request, cents),
            idempotency_key=f"page:{form.cleaned_data['token']}:{cents}",
        )
    except APIException as refusal:
        # When Stripe did not answer, the same form continues with the same purchase.
        form = form if isinstance(refusal, StripeUnavailable) else buy_form(cents)
        response = _form_page(request, form, refusal.status_code, refusal=_sentence(refusal))
        if wait := getattr(refusal, "wait", None):
            response.headers["Retry-After"] = str(wait)
        return response
    return HttpResponseRedirect(payment.checkout_url, status=HTTPStatus.SEE_OTHER)


def _form_page(
    request: HttpRequest, form: BuyForm, status: int = HTTPStatus.OK, **context: Any
) -> HttpResponse:
    return render(request, "site/buy.html", {"form": form, **context}, status=status)


def _order(request: HttpRequest, cents: int) -> Order:
    """Return the order; the buyer comes back to this host, wherever the front end is."""
    success, cancel = (
        request.build_absolute_uri(reverse(name)) for name in ("payment-success", "payment-cancel")
    )
    return Order(
        amount=cents,
        currency="usd",
        success_url=f"{success}?session_id={{CHECKOUT_SESSION_ID}}",
        cancel_url=cancel,
    )


def _sentence(refusal: APIException) -> str:
    if isinstance(refusal, SessionConflict | IdempotencyKeyReused):
        return "That did not work, and nothing was charged. Please try once more."
    detail: Any = refusal.detail
    return str(detail["body"][0] if isinstance(detail, dict) else detail)
