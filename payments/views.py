"""The endpoints about payments: checkout sessions and the caller's purchases."""

import re
from typing import Any, ClassVar

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ViewSet

from accounts.authentication import AuthenticatedRequest
from accounts.models import User
from accounts.tokens import Scope
from gatewayz.api.errors import Conflict
from gatewayz.http import access_log
from payments import checkout, stripe_gateway
from payments.models import Payment
from payments.serializers import (
    CheckoutRequestSerializer,
    CheckoutSessionSerializer,
    PaymentSerializer,
)

# A client gets our answer within 15 s of the request's arrival. What is left of them is enough for
# a lock of the database, which is waited for 3 s at most.
DEADLINE_SECONDS = 11
_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
_TOO_MANY_UNPAID = (
    f"You have {checkout.MOST_UNPAID} purchases that are not paid. Pay one of them, or wait: "
    "each ends a day after it was made."
)


class IdempotencyKeyReused(Conflict):
    """The key belongs to a purchase with another amount or other return addresses."""

    default_detail = "This Idempotency-Key was used for a different purchase."
    default_code = "idempotency_key_reused"


class SessionConflict(Conflict):
    """A retry of a purchase differs from the request that Stripe knows, as after an upgrade."""

    default_detail = (
        "Stripe knows this purchase with other details. Nothing was charged by this request; "
        "start a new purchase, with another Idempotency-Key."
    )
    default_code = "session_conflict"


class StripeUnavailable(APIException):
    """Stripe did not answer in time, too many wait for it, or the answer is no Stripe object."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "Stripe cannot be reached right now. Nothing was charged; try again."
    default_code = "stripe_unavailable"
    wait = 5


def start_checkout(
    request: HttpRequest | Request,
    *,
    user: User,
    order: checkout.Order,
    idempotency_key: str | None,
) -> Payment:
    """Start a purchase for a call of the API or for a page. Raises an APIException."""
    try:
        return checkout.start_checkout(
            user=user,
            order=order,
            idempotency_key=idempotency_key,
            now=timezone.now(),
            deadline=access_log.started(request) + DEADLINE_SECONDS,
        )
    except checkout.IdempotencyKeyReusedError as error:
        raise IdempotencyKeyReused from error
    except checkout.TooManyUnpaidError as error:
        raise Conflict(_TOO_MANY_UNPAID, "too_many_unpaid") from error
    except stripe_gateway.StripeRefusedError as error:
        raise ValidationError({"body": [f"Stripe refused: {error}"]}) from error
    except stripe_gateway.SessionConflictError as error:
        raise SessionConflict from error
    except stripe_gateway.StripeUnavailableError as error:
        raise StripeUnavailable from error


class CheckoutViewSet(ViewSet):
    """Checkout sessions of the caller."""

    token_scopes: ClassVar = {"create": Scope.CHECKOUT, "retrieve": Scope.READ}

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "Idempotency-Key",
                {"type": "string", "pattern": "^[!-~]{1,255}$"},
                OpenApiParameter.HEADER,
                description="Your own identifier of this purchase, at most 255 characters.",
            )
        ],
        request=CheckoutRequestSerializer,
        responses={
            201: CheckoutSessionSerializer,
            409: OpenApiResponse(
                description="The Idempotency-Key was used for another purchase, Stripe knows the "
                "purchase with other details, or too many of the caller's purchases wait for a "
                "payment."
            ),
        },
    )
    def create(self, request: AuthenticatedRequest) -> Response:
        """Buy credits: create a checkout session

        A second request with the same `Idempotency-Key` returns the same purchase.
        """
        body = CheckoutRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        payment = start_checkout(
            request,
            user=request.user,
            order=_order(body.validated_data),
            idempotency_key=_idempotency_key(request),
        )
        answer = CheckoutSessionSerializer(payment).data
        return Response(answer, status=status.HTTP_201_CREATED)

    @extend_schema(
        responses={
            200: CheckoutSessionSerializer,
            404: OpenApiResponse(description="You have no such session."),
        }
    )
    def retrieve(self, request: AuthenticatedRequest, session_id: str) -> Response:
        """The status of a purchase"""
        mine = Payment.objects.filter(user=request.user)
        payment: Payment = get_object_or_404(mine, session_id=session_id)
        return Response(CheckoutSessionSerializer(payment).data)


def _order(data: dict[str, Any]) -> checkout.Order:
    """Return the order, with our own return addresses where the client gave none."""
    pages = f"{settings.FRONTEND_URL}/payment"
    return checkout.Order(
        amount=data["amount"],
        currency=data["currency"],
        success_url=data.get("success_url", f"{pages}/success?session_id={{CHECKOUT_SESSION_ID}}"),
        cancel_url=data.get("cancel_url", f"{pages}/cancel"),
    )


def _idempotency_key(request: Request) -> str | None:
    key: str | None = request.headers.get("Idempotency-Key")
    if key is not None and not _IDEMPOTENCY_KEY.fullmatch(key):
        raise ValidationError({"Idempotency-Key": ["Use 1 to 255 visible ASCII characters."]})
    return key


class PaymentViewSet(ListModelMixin, GenericViewSet[Payment]):
    """The caller's purchases."""

    request: AuthenticatedRequest
    token_scopes: ClassVar = {"list": Scope.READ}
    queryset = Payment.objects.none()
    serializer_class = PaymentSerializer

    def get_queryset(self) -> QuerySet[Payment]:
        return Payment.objects.filter(user=self.request.user)

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Your payments, newest first"""
        return super().list(request, *args, **kwargs)
