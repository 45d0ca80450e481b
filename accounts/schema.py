"""The OpenAPI descriptions of the accounts endpoints."""

from hashlib import sha256
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiResponse

from accounts.preferences import EmailKind
from accounts.serializers import (
    ApiKeyRequestSerializer,
    ApiKeySerializer,
    BalanceSerializer,
    ErasedSerializer,
    EraseRequestSerializer,
    ExportSerializer,
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


class ApiKeyScheme(OpenApiAuthenticationExtension):
    """Describes API key and token as security schemes, and which calls are open to a token."""

    target_class = "accounts.authentication.ApiKeyAuthentication"
    name: Any = ["ApiKey", "Token"]

    def get_security_requirement(self, auto_schema: AutoSchema) -> list[dict[str, list[str]]]:
        view: Any = auto_schema.view
        scope = getattr(view, "token_scopes", {}).get(view.action)
        return [{"ApiKey": []}, *([{"Token": [scope.value]}] if scope else [])]

    def get_security_definition(self, auto_schema: AutoSchema) -> list[dict[str, str]]:
        bearer = {"type": "http", "scheme": "bearer"}
        of_key = "The `api_key` in the answer of `POST /auth/register`."
        temporary = (
            "The `token` in the answer of `POST /user/tokens`, for a browser: it ends after 15"
            " minutes, and is good for the calls of its scope. `checkout` includes"
            " `read`, which includes `stats`."
        )
        return [
            bearer | {"bearerFormat": "gw_live_…", "description": of_key},
            bearer | {"bearerFormat": "gw_temp_…", "description": temporary},
        ]


def _hash(of: str) -> str:
    return sha256(of.encode()).hexdigest()


_NEW_KEY = "gw_live_wJ9b2uYv0cQ4m1dXH7pK5sRtZ8eLfA3gN6iO_kBxUqE"

REGISTER: dict[str, Any] = {
    "summary": "Register, and get an API key and a referral code",
    "description": "Registration succeeds with an invalid referral code too: `referral.reason` "
    "then says why the code was not applied.",
    "tags": ["Accounts"],
    "auth": [],
    "request": RegistrationRequestSerializer,
    "responses": {
        201: RegistrationSerializer,
        409: OpenApiResponse(description="The username or the e-mail is taken."),
        429: OpenApiResponse(description="Too many registrations from this address."),
    },
    "examples": [
        OpenApiExample(
            "Bob, invited by Alice",
            request_only=True,
            value={
                "username": "bob",
                "email": "bob@example.com",
                "auth_method": "email",
                "referral_code": "ABC12345",
            },
        ),
        OpenApiExample(
            "Bob's account",
            response_only=True,
            status_codes=["201"],
            value={
                "user_id": 2,
                "username": "bob",
                "email": "bob@example.com",
                "auth_method": "email",
                "api_key": _NEW_KEY,
                "credits": 0.0,
                "referral_code": "B0B12345",
                "referred_by_code": "ABC12345",
                "referral": {"applied": True, "reason": None},
                "message": "Account created. Keep the API key: it is shown this once.",
                "timestamp": "2026-11-22T12:00:00Z",
            },
        ),
    ],
}

BALANCE: dict[str, Any] = {
    "summary": "Your balance",
    "tags": ["Accounts"],
    "responses": BalanceSerializer,
    "examples": [
        OpenApiExample(
            "Bob's balance",
            value={"user_id": 2, "username": "bob", "credits": 20.0, "currency": "usd"},
        )
    ],
}

TRANSACTIONS: dict[str, Any] = {
    "summary": "Your ledger entries, newest first",
    "tags": ["Accounts"],
    "responses": LedgerEntrySerializer(many=True),
    "examples": [
        OpenApiExample(
            "A bonus",
            value={
                "id": 3,
                "kind": "referee_bonus",
                "amount": 10.0,
                "balance_after": 20.0,
                "description": "Bonus for registering with the code ABC12345",
                "created_at": "2026-11-22T12:00:00Z",
            },
        )
    ],
}

PROOF: dict[str, Any] = {
    "summary": "The proof that one of your ledger entries is sealed",
    "description": "The way from the entry to a head of the ledger, in the form of RFC 6962 with"
    " SHA-256. `docs/verify_proof.py` of the source checks it and needs nothing else. New entries"
    " are sealed every few minutes.",
    "tags": ["Accounts"],
    "responses": {
        200: ProofSerializer,
        404: OpenApiResponse(description="You have no such entry."),
        409: OpenApiResponse(description="The entry is not sealed yet."),
    },
    "examples": [
        OpenApiExample(
            "The first of two entries",
            response_only=True,
            status_codes=["200"],
            value={
                "entry": "1|2|1|purchase|10.00|10.00|2026-11-22T12:00:00.000000Z|"
                f"{_hash('details')}|Purchase of credits",
                "leaf_index": 0,
                "tree_size": 2,
                "audit_path": [_hash("second leaf")],
                "previous_head": "0" * 64,
                "head": _hash("head"),
                "sealed_at": "2026-11-22T12:05:00Z",
            },
        )
    ],
}

_PREFERENCES = {
    "show_on_leaderboard": False,
    "show_to_referrer": "initials",
    "emails": {kind.value: kind != EmailKind.WELCOME for kind in EmailKind},
}

PREFERENCES: dict[str, Any] = {
    "summary": "Your preferences",
    "tags": ["Accounts"],
    "responses": PreferencesSerializer,
    "examples": [OpenApiExample("Initials for the referrer", value=_PREFERENCES)],
}

UPDATE_PREFERENCES: dict[str, Any] = {
    "summary": "Choose who sees your name, and which e-mails you get",
    "description": "What is not given stays as it is.",
    "tags": ["Accounts"],
    "request": PreferencesRequestSerializer,
    "responses": PreferencesSerializer,
    "examples": [
        OpenApiExample(
            "Initials, and no e-mail of friends",
            request_only=True,
            value={"show_to_referrer": "initials", "emails": {"friend_signed_up": False}},
        ),
        OpenApiExample("The preferences", response_only=True, value=_PREFERENCES),
    ],
}

_ONCE = ("exported_at", "account", "preferences")
EXPORT: dict[str, Any] = {
    "summary": "All that is kept of you",
    "tags": ["Accounts"],
    "responses": ExportSerializer,
    "examples": [
        OpenApiExample(
            "Bob, who has done nothing yet",
            value={
                "exported_at": "2026-11-22T12:00:00Z",
                "account": {"id": 2, "username": "bob", "email": "bob@example.com"},
                "preferences": _PREFERENCES,
                **{name: [] for name in ExportSerializer().get_fields() if name not in _ONCE},
            },
        )
    ],
}

ERASE: dict[str, Any] = {
    "summary": "Erase your account",
    "description": "Deletes your name, your addresses, your preferences and what Stripe told us of"
    " you, and revokes your keys. It cannot be undone. Credits that are left are given up; the"
    " books keep every entry, by the number of the account.",
    "tags": ["Accounts"],
    "request": EraseRequestSerializer,
    "responses": {
        200: ErasedSerializer,
        409: OpenApiResponse(description="The account is staff."),
    },
    "examples": [
        OpenApiExample("Bob's name", request_only=True, value={"username": "bob"}),
        OpenApiExample("Done", response_only=True, value={"message": "Your account is erased."}),
    ],
}

_KEY = {
    "id": 7,
    "prefix": _NEW_KEY[:12],
    "name": "laptop",
    "created_at": "2026-11-22T12:00:00Z",
    "last_used_at": None,
}

CREATE_TOKEN: dict[str, Any] = {
    "summary": "Create a short-lived token for a browser",
    "description": "A key never ends, so none belongs into a page. A token ends after 15 minutes, "
    "or when the key that it was made with is revoked. It can read what the dashboard shows, and "
    "with the scope `checkout` also buy credits; anything else is 403 `insufficient_scope`.",
    "tags": ["API keys"],
    "request": TokenRequestSerializer,
    "responses": {201: TokenSerializer},
    "examples": [
        OpenApiExample("A scope", request_only=True, value={"scope": "read"}),
        OpenApiExample(
            "A token",
            response_only=True,
            value={
                "token": "gw_temp_read.2.7.1wOFpK.5GqJ0v3Yt8TzR1mXcVbN2kLhQwEaSdFgHjKlZxCvBnM",
                "scope": "read",
                "expires_at": "2026-11-22T12:15:00Z",
            },
        ),
    ],
}

LIST_KEYS: dict[str, Any] = {
    "summary": "Your API keys",
    "tags": ["API keys"],
    "responses": ApiKeySerializer(many=True),
    "examples": [OpenApiExample("A key", value=_KEY)],
}

CREATE_KEY: dict[str, Any] = {
    "summary": "Create an API key",
    "tags": ["API keys"],
    "request": ApiKeyRequestSerializer,
    "responses": {
        201: NewApiKeySerializer,
        409: OpenApiResponse(description="You have the maximum number of keys."),
    },
    "examples": [
        OpenApiExample("A name", request_only=True, value={"name": "laptop"}),
        OpenApiExample("The key", response_only=True, value=_KEY | {"api_key": _NEW_KEY}),
    ],
}

REVOKE_KEY: dict[str, Any] = {
    "summary": "Revoke an API key",
    "description": "Revoking the last one shuts you out, and so needs `confirm=true`.",
    "tags": ["API keys"],
    "parameters": [RevocationQuerySerializer],
    "responses": {
        204: None,
        404: OpenApiResponse(description="You have no such key."),
        409: OpenApiResponse(description="It is your last key, and `confirm` is not true."),
    },
}
