"""The referral endpoints: the caller's code and earnings, validation, leaderboard, explanation."""

from typing import Any, ClassVar

from django.http import HttpResponse
from django.utils import timezone
from django.utils.text import capfirst
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema,
)
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from accounts.authentication import AuthenticatedRequest
from accounts.callers import CallerQuery
from accounts.models import User
from accounts.tokens import Scope
from gatewayz.api import json_api
from gatewayz.api.errors import Conflict
from payments.explanations.answers import explain_person
from payments.explanations.messages import Audience
from payments.reports.leaderboard import snapshot_rows
from referrals import attribution, codes, invite_views, reports
from referrals.invitations import invite_link, share_message, visible_email
from referrals.models import LeaderboardEntry
from referrals.serializers import (
    ClaimSerializer,
    CodeSerializer,
    ExplainRequestSerializer,
    ExplanationSerializer,
    GeneratedCodeSerializer,
    InvalidCodeSerializer,
    LeaderboardRequestSerializer,
    LeaderboardSerializer,
    StatsSerializer,
    TypedCodeSerializer,
    ValidCodeSerializer,
)

LEADERS = 20
# With fewer paying friends, the sum of their payments would reveal what one of them spends.
MIN_PAYERS_TO_SHOW_REVENUE = 3


def _with_code(user: str, code: str) -> dict[str, Any]:
    return {"referee_bonus": codes.in_force("referee_bonus")} | reports.uses_and_earnings(user)


class ReferralViewSet(ViewSet):
    """The caller's code and earnings, the leaderboard, and why there is a bonus or none."""

    caller_queries: ClassVar = {
        "code": CallerQuery(
            *("username", "referral_code", "created_at"),
            annotations=_with_code,
        ),
        "stats": reports.WITH_STATS,
    }
    token_scopes: ClassVar = {
        "code": Scope.STATS,
        **dict.fromkeys(("stats", "leaderboard", "explain"), Scope.READ),
    }

    @extend_schema(responses=CodeSerializer)
    def code(self, request: AuthenticatedRequest) -> HttpResponse:
        """Your referral code and invite link"""
        caller: Any = request.user
        code = codes.ensure_code(caller, now=timezone.now())
        body = {
            "referral_code": code,
            "user_id": caller.pk,
            "username": caller.username,
            "created_at": caller.created_at,
            "invite_link": invite_link(code),
            "share_message": share_message(code, caller.referee_bonus),
            "total_uses": caller.total_uses,
            "remaining_uses": max(caller.max_uses - caller.total_uses, 0),
            "max_uses": caller.max_uses,
            "total_earned": caller.total_earned,
        }
        return json_api.answer(body)

    @extend_schema(request=None, responses=GeneratedCodeSerializer)
    def generate(self, request: AuthenticatedRequest) -> Response:
        """Create your referral code, or get the existing one"""
        code = codes.ensure_code(request.user, now=timezone.now())
        body = {"referral_code": code, "message": "This is your referral code."}
        return Response(GeneratedCodeSerializer(body).data)

    @extend_schema(responses=StatsSerializer)
    def stats(self, request: AuthenticatedRequest) -> HttpResponse:
        """What your code has earned"""
        code = codes.ensure_code(request.user, now=timezone.now())
        totals = reports.stats_of_caller(request.user)
        body = {
            "referral_code": code,
            "invite_link": invite_link(code),
            **totals._asdict(),
            "remaining_uses": totals.remaining_uses,
            "current_balance": request.user.credits,
            "referred_by_code": request.user.referred_by_code,
            "referrals": [row._asdict() for row in reports.referrals_of(request.user)],
        }
        return json_api.answer(body)

    @extend_schema(parameters=[LeaderboardRequestSerializer], responses=LeaderboardSerializer)
    def leaderboard(self, request: AuthenticatedRequest) -> Response:
        """The top referrers, and your own rank

        Counted every five minutes, the same numbers as on the operators' leaderboard. Other
        people's names are shown only with their consent: `show_on_leaderboard` in
        `/user/preferences`, off by default. `revenue` is null if fewer than three friends paid,
        because it would reveal what one of them spends. Ties share a rank; a measure of zero has
        no rank. `conversion` is the percentage of the period's sign-ups with the code that have
        made a qualifying purchase until now; `referrals` also counts friends who signed up before
        the period.
        """
        asked = LeaderboardRequestSerializer(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        period, by = asked.validated_data["period"], asked.validated_data["by"]
        rows = snapshot_rows(period, by=by, top=LEADERS, user=request.user)
        ranked = [row for row in rows if getattr(row, f"rank_by_{by}") is not None]
        leaders = [row for row in ranked if getattr(row, f"place_by_{by}") <= LEADERS]
        mine = next((row for row in rows if row.user_id == request.user.pk), None)
        body = asked.validated_data | {
            "as_of": rows[0].computed_at if rows else None,
            "leaders": [_entry(row, by, caller=request.user) for row in leaders],
            "you": mine and _entry(mine, by, caller=request.user),
        }
        return Response(LeaderboardSerializer(body).data)

    @extend_schema(parameters=[ExplainRequestSerializer], responses=ExplanationSerializer)
    def explain(self, request: AuthenticatedRequest) -> Response:
        """Why you have a bonus or none, and what your friends have done

        With an amount also what a purchase would bring now. An operator may review a bonus before
        it is paid; the checks say nothing of that. Of your friends you see the name, and what
        became of your bonus for them.
        """
        asked = ExplainRequestSerializer(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        cents = asked.validated_data.get("amount")
        answer = explain_person(request.user, Audience.PERSON, cents=cents, now=timezone.now())
        body = ExplanationSerializer(answer).data
        return Response(body if cents else {**body, "what_if": None})


def _entry(row: LeaderboardEntry, by: str, *, caller: User) -> dict[str, Any]:
    """Return a row as any caller may see it: only with agreement by name, no revealing revenue."""
    is_named = row.user.show_on_leaderboard and row.user.is_active
    return {
        "rank": getattr(row, f"rank_by_{by}"),
        "username": row.user.username if is_named or row.user_id == caller.pk else None,
        "referrals": row.referrals,
        "earned": row.earned,
        "signups": row.signups,
        "qualified": row.qualified,
        "conversion": row.conversion,
        "revenue": row.revenue if row.payers >= MIN_PAYERS_TO_SHOW_REVENUE else None,
        "uses_left": row.uses_left,
    }


class ClaimViewSet(ViewSet):
    """The claim of a code after registration."""

    # As often as codes may be validated, because it tells as well which codes there are.
    throttle_scope = "validate"

    @extend_schema(
        request=TypedCodeSerializer,
        responses={
            200: ClaimSerializer,
            409: OpenApiResponse(
                description="You can claim no code: `already_invited`, `already_bought` or "
                "`claim_too_late`."
            ),
        },
    )
    def create(self, request: AuthenticatedRequest) -> Response:
        """Claim the code of whoever invited you, if you registered without one

        Once, within 7 days of registration and before your first purchase. With a code that cannot
        be used nothing changes: `referral.reason` then says why, and another one can be tried.
        """
        body = TypedCodeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        typed = body.validated_data["referral_code"]
        try:
            claimed = attribution.claim(request.user, typed, now=timezone.now())
        except attribution.ClaimRefusedError as error:
            raise Conflict(f"{capfirst(error.sentence)}.", error.code) from error
        answer = {
            "referred_by_code": request.user.referred_by_code,
            "referral": {"applied": claimed.owner is not None, "reason": claimed.refusal},
        }
        return Response(answer)


_VALIDITY = OpenApiResponse(
    PolymorphicProxySerializer(
        component_name="CodeValidity",
        serializers=[ValidCodeSerializer, InvalidCodeSerializer],
        resource_type_field_name=None,
    ),
    examples=[
        OpenApiExample(
            "Valid",
            value={
                "valid": True,
                "message": "Referral code is valid",
                "referrer": {"username": "alice", "email": "alice@example.com"},
                "remaining_uses": 8,
            },
        ),
        OpenApiExample(
            "Invalid",
            value={
                "valid": False,
                "message": "Invalid referral code",
                "error": "Code not found",
            },
        ),
    ],
)


class ValidationViewSet(ViewSet):
    """Validation of a code, with or without an API key."""

    permission_classes = (AllowAny,)
    throttle_scope = "validate"

    @extend_schema(request=TypedCodeSerializer, responses=_VALIDITY)
    def check(self, request: Request) -> HttpResponse:
        """Check whether a code can be used

        With an API key, the answer is for you in particular. Text that cannot be a code is
        answered as a code that is not found.
        """
        body: Any = request.data
        # Any value will do, so that only a body without the field needs the serializer's answer.
        if not isinstance(body, dict) or "referral_code" not in body:
            TypedCodeSerializer(data=body).is_valid(raise_exception=True)
        now = timezone.now()
        person = request.user if isinstance(request.user, User) else None
        find = codes.find if person else invite_views.find_and_count
        checked = attribution.check_code(find(body["referral_code"], now=now), person=person)
        if checked.owner is None:
            return json_api.answer(
                {
                    "valid": False,
                    "message": "Invalid referral code",
                    "error": checked.refusal,
                }
            )
        return json_api.answer(
            {
                "valid": True,
                "message": "Referral code is valid",
                "referrer": {
                    "username": checked.owner.username,
                    "email": visible_email(checked.owner.email),
                },
                "remaining_uses": checked.remaining_uses,
            }
        )
