"""The endpoint that Stripe calls: answers 200 only after the event is fully processed."""

import structlog
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.viewsets import ViewSet

from gatewayz.api import json_api
from gatewayz.api.schema import RAW_BODY
from gatewayz.http import metrics
from payments import inbox, stripe_gateway
from payments.event_store import NotAnEventError
from payments.serializers import WebhookSerializer

log = structlog.get_logger(__name__)

MAX_BODY_BYTES = 256 * 1024


class EventTooLarge(APIException):
    """Stripe's events are smaller; a larger body is refused before its signature is computed."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = f"The event is larger than {MAX_BODY_BYTES} bytes."
    default_code = "body_too_large"


class EventRefused(APIException):
    """The request is not an event signed by Stripe for this endpoint."""

    status_code = status.HTTP_400_BAD_REQUEST


class WebhookViewSet(ViewSet):
    """Receives Stripe's events."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        summary="Stripe's events",
        description="For Stripe alone: the raw body must carry its signature.",
        parameters=[
            OpenApiParameter(
                "Stripe-Signature", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True
            )
        ],
        request=OpenApiTypes.OBJECT,
        extensions={RAW_BODY: True},
        responses=WebhookSerializer,
    )
    def receive(self, request: Request) -> HttpResponse:
        """Verify the signature, process the event, and store it with its outcome.

        An error while processing is answered 500 or 503, and Stripe delivers the event again.
        """
        body = _signed_body(request)
        try:
            with metrics.SETTLEMENT_SECONDS.time(), metrics.WEBHOOK_FAILURES.count_exceptions():
                receipt = inbox.receive(body, now=timezone.now())
        except NotAnEventError as error:
            raise _counted(EventRefused(f"Not an event: {error}.", code="not_an_event")) from error
        # Types that we do not handle share one label: each label value is a time series.
        known_type = receipt.event_type if receipt.event_type in inbox.HANDLERS else "other"
        metrics.WEBHOOK_EVENTS.labels(known_type, receipt.outcome).inc()
        return json_api.answer({"received": True, **receipt._asdict()})


def _signed_body(request: Request) -> bytes:
    # The body is read after this check, so that nobody makes us buffer and hash a huge one.
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY_BYTES:
        raise _counted(EventTooLarge())
    body: bytes = request.body
    try:
        stripe_gateway.verify_signature(body, request.META.get("HTTP_STRIPE_SIGNATURE", ""))
    except stripe_gateway.InvalidSignatureError:
        log.warning("webhook_refused", reason="invalid_signature")
        raise _counted(EventRefused("Invalid signature.", code="invalid_signature")) from None
    return body


def _counted(refusal: APIException) -> APIException:
    metrics.WEBHOOK_REFUSALS.labels(refusal.get_codes()).inc()
    return refusal
