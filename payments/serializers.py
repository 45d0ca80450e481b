"""The request and response bodies of the payment endpoints."""

import re
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.validators import URLValidator
from django.http.request import validate_host
from rest_framework import serializers

from gatewayz.api.auto_schema import example
from payments.models import MAX_AMOUNT_CENTS, Payment

_WEB_ADDRESS = URLValidator(schemes=["http", "https"])
_SESSION_ID = "cs_test_a1YS1URlnyQCN5fUUduORoQ7Pw41PJqDWkIVQCpJPqkfIhd6tVY8XB1OLY"


class WholeCentsField(serializers.IntegerField):
    """An amount in cents, as a JSON integer: not `10.0`, not `"1000"`, not `true`."""

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            self.fail("invalid")
        return super().to_internal_value(data)


class ReturnAddressField(serializers.CharField):
    """A URL on one of our hosts, to which Stripe sends the buyer back."""

    default_error_messages = {
        "address": "Use an http(s) URL on a host of this deployment.",
    }

    def to_internal_value(self, data: Any) -> str:
        address = super().to_internal_value(data)
        _WEB_ADDRESS(address)
        parts = urlsplit(address)
        host = parts.hostname or ""
        hosts = [*settings.ALLOWED_HOSTS, urlsplit(settings.FRONTEND_URL).hostname or ""]
        # Browsers treat a backslash as a slash, and so may see another host than `urlsplit`.
        if "\\" in address or "@" in parts.netloc or not validate_host(host, hosts):
            self.fail("address")
        return address


@example("Ten dollars", amount=1000, currency="usd")
class CheckoutRequestSerializer(serializers.Serializer[Any]):
    amount = WholeCentsField(min_value=1, max_value=MAX_AMOUNT_CENTS, help_text="In cents.")
    currency = serializers.RegexField(
        re.compile(r"^[uU][sS][dD]\Z"),
        error_messages={"invalid": "Only usd is accepted."},
        help_text="Only `usd` is accepted.",
    )
    success_url = ReturnAddressField(max_length=2000, required=False)
    cancel_url = ReturnAddressField(max_length=2000, required=False)

    def validate_currency(self, value: str) -> str:
        return value.lower()


@example(
    "A session",
    session_id=_SESSION_ID,
    url=f"https://checkout.stripe.com/c/pay/{_SESSION_ID}",
    payment_id=1,
    status="pending",
    amount=1000,
    currency="usd",
    expires_at="2026-11-23T12:00:00Z",
)
class CheckoutSessionSerializer(serializers.Serializer[Payment]):
    session_id = serializers.CharField()
    url = serializers.URLField(source="checkout_url", help_text="Where the buyer pays.")
    payment_id = serializers.IntegerField(source="pk")
    status = serializers.ChoiceField(choices=Payment.Status.choices)
    amount = serializers.IntegerField(help_text="In cents.")
    currency = serializers.CharField()
    expires_at = serializers.DateTimeField()


@example(
    "A payment",
    payment_id=1,
    session_id=_SESSION_ID,
    status="paid",
    amount=1000,
    currency="usd",
    created_at="2026-11-22T12:00:00Z",
    paid_at="2026-11-22T12:01:00Z",
)
class PaymentSerializer(serializers.Serializer[Payment]):
    payment_id = serializers.IntegerField(source="pk")
    session_id = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(choices=Payment.Status.choices)
    amount = serializers.IntegerField(help_text="In cents.")
    currency = serializers.CharField()
    created_at = serializers.DateTimeField()
    paid_at = serializers.DateTimeField(allow_null=True)


@example(
    "Settled",
    received=True,
    event_id="evt_1Pgc76B7WZ01zgkWwyRHS12y",
    event_type="checkout.session.completed",
    outcome="settled",
)
class WebhookSerializer(serializers.Serializer[Any]):
    received = serializers.BooleanField()
    event_id = serializers.CharField()
    event_type = serializers.CharField()
    outcome = serializers.CharField(help_text="The result of the event.")
