"""The OpenAPI descriptions of the referral endpoints."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, PolymorphicProxySerializer

from referrals.serializers import (
    ClaimSerializer,
    CodeSerializer,
    ExplainRequestSerializer,
    ExplanationSerializer,
    GeneratedCodeSerializer,
    InvalidCodeSerializer,
    LeaderboardRequestSerializer,
    LeaderboardSerializer,
    LeaderSerializer,
    StatsSerializer,
    TypedCodeSerializer,
    ValidCodeSerializer,
)

_LINK = "https://app.gatewayz.ai/signup?ref=ABC12345"

CODE: dict[str, Any] = {
    "summary": "Your referral code and invite link",
    "tags": ["Referrals"],
    "responses": CodeSerializer,
    "examples": [
        OpenApiExample(
            "Alice's code",
            value={
                "referral_code": "ABC12345",
                "user_id": 1,
                "username": "alice",
                "created_at": "2026-11-22T12:00:00Z",
                "invite_link": _LINK,
                "share_message": f"Join me on Gatewayz and we both get $10 of credit: {_LINK}",
                "total_uses": 1,
                "remaining_uses": 9,
                "max_uses": 10,
                "total_earned": 10.0,
            },
        )
    ],
}

GENERATE: dict[str, Any] = {
    "summary": "Create your referral code, or get the existing one",
    "tags": ["Referrals"],
    "request": None,
    "responses": GeneratedCodeSerializer,
    "examples": [
        OpenApiExample(
            "An existing code",
            value={"referral_code": "ABC12345", "message": "This is your referral code."},
        )
    ],
}

VALIDATE: dict[str, Any] = {
    "summary": "Check whether a code can be used",
    "description": "With an API key, the answer is for you in particular. Text that cannot be a "
    "code is answered as a code that is not found.",
    "tags": ["Referrals"],
    "auth": [{}, {"ApiKey": []}],
    "request": TypedCodeSerializer,
    "responses": PolymorphicProxySerializer(
        component_name="CodeValidity",
        serializers=[ValidCodeSerializer, InvalidCodeSerializer],
        resource_type_field_name=None,
    ),
    "examples": [
        OpenApiExample("A code", request_only=True, value={"referral_code": "ABC12345"}),
        OpenApiExample(
            "Valid",
            response_only=True,
            value={
                "valid": True,
                "message": "Referral code is valid",
                "referrer": {"username": "alice", "email": "alice@example.com"},
                "remaining_uses": 8,
            },
        ),
        OpenApiExample(
            "Invalid",
            response_only=True,
            value={
                "valid": False,
                "message": "Invalid referral code",
                "error": "Code not found",
            },
        ),
    ],
}

CLAIM: dict[str, Any] = {
    "summary": "Claim the code of whoever invited you, if you registered without one",
    "description": "Once, within 7 days of registration and before your first purchase. With a "
    "code that cannot be used nothing changes: `referral.reason` then says why, and another one "
    "can be tried.",
    "tags": ["Referrals"],
    "request": TypedCodeSerializer,
    "responses": {
        200: ClaimSerializer,
        409: OpenApiResponse(
            description="You can claim no code: `already_invited`, `already_bought` or "
            "`claim_too_late`."
        ),
    },
    "examples": [
        OpenApiExample("A code", request_only=True, value={"referral_code": "ABC12345"}),
        OpenApiExample(
            "Applied",
            response_only=True,
            status_codes=["200"],
            value={
                "referred_by_code": "ABC12345",
                "referral": {"applied": True, "reason": None},
            },
        ),
        OpenApiExample(
            "Not applied",
            response_only=True,
            status_codes=["200"],
            value={
                "referred_by_code": None,
                "referral": {"applied": False, "reason": "Code not found"},
            },
        ),
    ],
}

STATS: dict[str, Any] = {
    "summary": "What your code has earned",
    "tags": ["Referrals"],
    "responses": StatsSerializer,
    "examples": [
        OpenApiExample(
            "Alice's stats",
            value={
                "referral_code": "ABC12345",
                "invite_link": _LINK,
                "total_uses": 1,
                "remaining_uses": 9,
                "max_uses": 10,
                "total_earned": 10.0,
                "current_balance": 10.0,
                "referred_by_code": None,
                "pending_referrals": 0,
                "referrals": [
                    {
                        "user_id": 2,
                        "username": "bob",
                        "bonus_earned": 10.0,
                        "status": "completed",
                        "completed_at": "2026-11-22T12:00:00Z",
                    }
                ],
            },
        )
    ],
}

_LEADER = LeaderSerializer().fields
_FIRST = dict(zip(_LEADER, (1, None, 9, 90.0, 12, 8, 66.7, 310.0, 1), strict=True))
_ALICE = dict(zip(_LEADER, (2, "alice", 4, 40.0, 5, 4, 80.0, 120.0, 6), strict=True))

LEADERBOARD: dict[str, Any] = {
    "summary": "The top referrers, and your own rank",
    "description": "Counted every five minutes, the same numbers as on the operators' leaderboard. "
    "Other people's names are shown only with their consent: `show_on_leaderboard` in "
    "`/user/preferences`, off by default. `revenue` is null if fewer than three friends paid, "
    "because it would reveal what one of them spends. "
    "Ties share a rank; a measure of zero has no rank. `conversion` is the percentage of the "
    "period's sign-ups with the code that have made a qualifying purchase until now; `referrals` "
    "also counts friends who signed up before the period.",
    "tags": ["Referrals"],
    "parameters": [LeaderboardRequestSerializer],
    "responses": LeaderboardSerializer,
    "examples": [
        OpenApiExample(
            "Alice is second",
            value={
                "period": "30d",
                "by": "referrals",
                "as_of": "2026-11-22T12:00:00Z",
                "leaders": [_FIRST, _ALICE],
                "you": _ALICE,
            },
        )
    ],
}

_CHECKS_NOW: list[dict[str, str]] = [
    {
        "name": "terms",
        "status": "passed",
        "sentence": "The terms from 2026-01-01 are in force: a bonus of $20.00 in all.",
    },
    {
        "name": "minimum",
        "status": "failed",
        "sentence": "The purchase of $5.00 is below the minimum of $10.00; "
        "a later one may qualify.",
    },
]

EXPLAIN: dict[str, Any] = {
    "summary": "Why you have a bonus or none, and what your friends have done",
    "description": "With an amount also what a purchase would bring now. An operator may review a "
    "bonus before it is paid; the checks say nothing of that. Of your friends you see the name, "
    "and what became of your bonus for them.",
    "tags": ["Referrals"],
    "parameters": [ExplainRequestSerializer],
    "responses": ExplanationSerializer,
    "examples": [
        OpenApiExample(
            "Alice asks about five dollars",
            value={
                "summary": "carol invited you: your first purchase of $10.00 or more brings you "
                "a bonus of $10.00.",
                "checks": [],
                "friends": [
                    {
                        "username": "bob",
                        "state": "pending",
                        "sentence": "Your friend bob has not made a qualifying purchase yet.",
                    }
                ],
                "what_if": {
                    "amount": 500,
                    "decision": "below_minimum",
                    "summary": "A purchase of $5.00 now would earn no bonus: the purchase of "
                    "$5.00 is below the minimum of $10.00; a later one may qualify.",
                    "checks": _CHECKS_NOW,
                },
            },
        )
    ],
}
