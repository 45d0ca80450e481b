"""The accounts endpoints: registration, balance, statement, preferences, API keys."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.text import capfirst
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.mixins import ListModelMixin
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ViewSet

from accounts import api_keys, callers, ledger_seals, people, tokens
from accounts.authentication import AuthenticatedRequest
from accounts.models import ApiKey, LedgerEntry
from accounts.names import LooksLikeStaffError, MixedScriptsError
from accounts.registration import NameTakenError
from accounts.serializers import (
    ApiKeyRequestSerializer,
    ApiKeySerializer,
    BalanceSerializer,
    LedgerEntrySerializer,
    NewApiKeySerializer,
    PreferencesRequestSerializer,
    PreferencesSerializer,
    ProofSerializer,
    RegistrationRequestSerializer,
    RegistrationSerializer,
    RevocationQuerySerializer,
    TokenRequestSerializer,
    TokenSerializer,
)
from accounts.tokens import Scope
from gatewayz.api import json_api
from gatewayz.api.errors import Conflict
from gatewayz.http.client_address import client_address
from referrals import attribution


class NameTaken(Conflict):
    """Another user has this username or e-mail."""

    def __init__(self, field: str) -> None:
        message = f"This {field} is taken."
        super().__init__(message, code=f"{field}_taken")
        self.errors = {field: [message]}


TOO_MANY_KEYS = f"You have {api_keys.MAX_KEYS} keys already; revoke one first."
_LAST_KEY = (
    "This is your last key. Without it you can neither call the API nor make another key."
    " To revoke it all the same, send ?confirm=true."
)
# A cache must not keep what is shown once.
_SHOWN_ONCE = {"Cache-Control": "no-store"}


class RegistrationViewSet(ViewSet):
    """Creates accounts."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_scope = "register"

    @extend_schema(
        request=RegistrationRequestSerializer,
        responses={
            201: RegistrationSerializer,
            409: OpenApiResponse(description="The username or the e-mail is taken."),
            429: OpenApiResponse(description="Too many registrations from this address."),
        },
    )
    def create(self, request: Request) -> Response:
        """Register, and get an API key and a referral code

        Registration succeeds with an invalid referral code too: `referral.reason` then says why
        the code was not applied.
        """
        body = RegistrationRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        data = body.validated_data
        try:
            registration = attribution.register(
                invitation=data.pop("referral_code", None),
                address=client_address(request),
                now=timezone.now(),
                **data,
            )
        except NameTakenError as error:
            raise NameTaken(error.field) from error
        except (MixedScriptsError, LooksLikeStaffError) as error:
            raise ValidationError({"username": [f"{capfirst(str(error))}."]}) from error
        answer = RegistrationSerializer(_registration_body(registration))
        return Response(answer.data, status=status.HTTP_201_CREATED, headers=_SHOWN_ONCE)


def _registration_body(registration: attribution.Registration) -> dict[str, Any]:
    user = registration.user
    return {
        "user_id": user.pk,
        "username": user.username,
        "email": user.email,
        "auth_method": user.auth_method,
        "api_key": registration.api_key,
        "credits": user.credits,
        "referral_code": user.referral_code,
        "referred_by_code": user.referred_by_code,
        "referral": {
            "applied": user.referred_by_code is not None,
            "reason": registration.refusal,
        },
        "message": "Account created. Keep the API key: it is shown this once.",
        "timestamp": user.created_at,
    }


class BalanceViewSet(ViewSet):
    """The caller's balance."""

    caller_queries: ClassVar = {"retrieve": callers.CallerQuery("username", "credits")}
    token_scopes: ClassVar = {"retrieve": Scope.READ}

    @extend_schema(responses=BalanceSerializer)
    def retrieve(self, request: AuthenticatedRequest) -> HttpResponse:
        """Your balance"""
        body = {
            "user_id": request.user.pk,
            "username": request.user.username,
            "credits": request.user.credits,
            "currency": "usd",
        }
        return json_api.answer(body)


class TransactionViewSet(ListModelMixin, GenericViewSet[LedgerEntry]):
    """The caller's ledger entries."""

    request: AuthenticatedRequest
    token_scopes: ClassVar = {"list": Scope.READ}
    # drf-spectacular reads the type of the path and page parameters from this.
    queryset = LedgerEntry.objects.none()
    serializer_class = LedgerEntrySerializer

    def get_queryset(self) -> QuerySet[LedgerEntry]:
        return LedgerEntry.objects.filter(user=self.request.user)

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Your ledger entries, newest first"""
        return super().list(request, *args, **kwargs)


class ProofViewSet(ViewSet):
    """The proof that an entry of the caller's is sealed."""

    @extend_schema(
        responses={
            200: ProofSerializer,
            404: OpenApiResponse(description="You have no such entry."),
            409: OpenApiResponse(description="The entry is not sealed yet."),
        }
    )
    def retrieve(self, request: AuthenticatedRequest, pk: int) -> Response:
        """The proof that one of your ledger entries is sealed

        The way from the entry to a head of the ledger, in the form of RFC 6962 with SHA-256.
        `docs/verify_proof.py` of the source checks it and needs nothing else. New entries are
        sealed every few minutes.
        """
        entry: LedgerEntry = get_object_or_404(LedgerEntry, pk=pk, user=request.user)
        proof = ledger_seals.prove(entry)
        if proof is None:
            raise Conflict("The entry is not sealed yet; try again in a few minutes.", "not_sealed")
        return Response(ProofSerializer(proof).data)


@extend_schema(tags=["API keys"])
class TokenViewSet(ViewSet):
    """Short-lived tokens for the caller's browser."""

    @extend_schema(request=TokenRequestSerializer, responses={201: TokenSerializer})
    def create(self, request: AuthenticatedRequest) -> Response:
        """Create a short-lived token for a browser

        A key never ends, so none belongs into a page. A token ends after 15 minutes, or when the
        key that it was made with is revoked. It can read what the dashboard shows, and with the
        scope `checkout` also buy credits; anything else is 403 `insufficient_scope`.
        """
        body = TokenRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        caller: Any = request.user
        scope = Scope(body.validated_data["scope"])
        answer = {
            "token": tokens.create(caller, scope, key_id=caller.key_id),
            "scope": scope,
            "expires_at": timezone.now() + tokens.LIFETIME,
        }
        return Response(answer, status=status.HTTP_201_CREATED, headers=_SHOWN_ONCE)


class PreferencesViewSet(ViewSet):
    """The caller's preferences."""

    @extend_schema(responses=PreferencesSerializer)
    def retrieve(self, request: AuthenticatedRequest) -> Response:
        """Your preferences"""
        return Response(people.preferences(request.user))

    @extend_schema(request=PreferencesRequestSerializer, responses=PreferencesSerializer)
    def partial_update(self, request: AuthenticatedRequest) -> Response:
        """Choose who sees your name, and which e-mails you get

        What is not given stays as it is.
        """
        body = PreferencesRequestSerializer(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        if body.validated_data:
            people.update_preferences(request.user, **body.validated_data)
        return Response(people.preferences(request.user))


@extend_schema(tags=["API keys"])
class ApiKeyViewSet(ViewSet):
    """The caller's API keys."""

    @extend_schema(responses=ApiKeySerializer(many=True))
    def list(self, request: AuthenticatedRequest) -> Response:
        """Your API keys"""
        keys = api_keys.valid_keys(request.user, now=timezone.now()).order_by("-pk")
        return Response(ApiKeySerializer(keys, many=True).data)

    @extend_schema(
        request=ApiKeyRequestSerializer,
        responses={
            201: NewApiKeySerializer,
            409: OpenApiResponse(description="You have the maximum number of keys."),
        },
    )
    def create(self, request: AuthenticatedRequest) -> Response:
        """Create an API key"""
        body = ApiKeyRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        now = timezone.now()
        name = body.validated_data["name"]
        try:
            key, text = api_keys.create_within_limit(user=request.user, name=name, now=now)
        except api_keys.TooManyKeysError as error:
            raise Conflict(TOO_MANY_KEYS, "too_many_keys") from error
        answer = ApiKeySerializer(key).data | {"api_key": text}
        return Response(answer, status=status.HTTP_201_CREATED, headers=_SHOWN_ONCE)

    @extend_schema(
        parameters=[RevocationQuerySerializer],
        responses={
            204: None,
            404: OpenApiResponse(description="You have no such key."),
            409: OpenApiResponse(description="It is your last key, and `confirm` is not true."),
        },
    )
    def destroy(self, request: AuthenticatedRequest, pk: int) -> Response:
        """Revoke an API key

        Revoking the last one shuts you out, and so needs `confirm=true`.
        """
        now = timezone.now()
        key: ApiKey = get_object_or_404(api_keys.valid_keys(request.user, now=now), pk=pk)
        query = RevocationQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        try:
            api_keys.revoke_own(key, allow_last=query.validated_data["confirm"], now=now)
        except api_keys.LastKeyError as error:
            raise Conflict(_LAST_KEY, "last_key") from error
        return Response(status=status.HTTP_204_NO_CONTENT)
