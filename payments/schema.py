"""The OpenAPI descriptions of the payment endpoints."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from gatewayz.api.schema import RAW_BODY
from payments.serializers import (
    CheckoutRequestSerializer,
    CheckoutSessionSerializer,
    PaymentSerializer,
    WebhookSerializer,
)

_SESSION_ID = "cs_test_a1YS1URlnyQCN5fUUduORoQ7Pw41PJqDWkIVQCpJPqkfIhd6tVY8XB1OLY"

_SESSION = OpenApiExample(
    "A session",
    response_only=True,
    value={
        "session_id": _SESSION_ID,
        "url": f"https://checkout.stripe.com/c/pay/{_SESSION_ID}",
        "payment_id": 1,
        "status": "pending",
        "amount": 1000,
        "currency": "usd",
        "expires_at": "2026-11-23T12:00:00Z",
    },
)

CREATE_SESSION: dict[str, Any] = {
    "summary": "Buy credits: create a checkout session",
    "description": "A second request with the same `Idempotency-Key` returns the same purchase.",
    "tags": ["Payments"],
    "parameters": [
        OpenApiParameter(
            "Idempotency-Key",
            {"type": "string", "pattern": "^[!-~]{1,255}$"},
            OpenApiParameter.HEADER,
            description="Your own identifier of this purchase, at most 255 characters.",
        )
    ],
    "request": CheckoutRequestSerializer,
    "responses": {
        201: CheckoutSessionSerializer,
        409: OpenApiResponse(
            description="The Idempotency-Key was used for another purchase, Stripe knows the "
            "purchase with other details, or too many of the caller's purchases wait for a payment."
        ),
    },
    "examples": [
        OpenApiExample("Ten dollars", request_only=True, value={"amount": 1000, "currency": "usd"}),
        _SESSION,
    ],
}

RETRIEVE_SESSION: dict[str, Any] = {
    "summary": "The status of a purchase",
    "tags": ["Payments"],
    "responses": {
        200: CheckoutSessionSerializer,
        404: OpenApiResponse(description="You have no such session."),
    },
    "examples": [_SESSION],
}

PAYMENTS: dict[str, Any] = {
    "summary": "Your payments, newest first",
    "tags": ["Payments"],
    "responses": PaymentSerializer(many=True),
    "examples": [
        OpenApiExample(
            "A payment",
            value={
                "payment_id": 1,
                "session_id": _SESSION_ID,
                "status": "paid",
                "amount": 1000,
                "currency": "usd",
                "created_at": "2026-11-22T12:00:00Z",
                "paid_at": "2026-11-22T12:01:00Z",
            },
        )
    ],
}

WEBHOOK: dict[str, Any] = {
    "summary": "Stripe's events",
    "description": "For Stripe alone: the raw body must carry its signature.",
    "tags": ["Payments"],
    "auth": [],
    "parameters": [
        OpenApiParameter(
            "Stripe-Signature", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True
        )
    ],
    "request": OpenApiTypes.OBJECT,
    "extensions": {RAW_BODY: True},
    "responses": WebhookSerializer,
    "examples": [
        OpenApiExample(
            "Settled",
            response_only=True,
            value={
                "received": True,
                "event_id": "evt_1Pgc76B7WZ01zgkWwyRHS12y",
                "event_type": "checkout.session.completed",
                "outcome": "settled",
            },
        )
    ],
}
