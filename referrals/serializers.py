"""The request and response bodies of the referral endpoints."""

import re
from typing import Any

from rest_framework import serializers

from accounts.money import MONEY
from gatewayz.api.auto_schema import example
from gatewayz.api.json_api import AnythingField
from payments.explanations.messages import SHOWN_TO_THE_PERSON
from payments.explanations.referees import State
from payments.models import MAX_AMOUNT_CENTS
from payments.reports.leaderboard import MEASURES
from referrals.eligibility import Decision, Status
from referrals.models import LeaderboardEntry, Referral

_AT = "2026-11-22T12:00:00Z"
_LINK = "https://app.gatewayz.ai/signup?ref=ABC12345"
_USES = {"total_uses": 1, "remaining_uses": 9, "max_uses": 10, "total_earned": 10.0}


def _earned() -> serializers.DecimalField:
    help_text = "US dollars, without bonuses that were taken back."
    return serializers.DecimalField(**MONEY, help_text=help_text)


class UsesSerializer(serializers.Serializer[Any]):
    total_uses = serializers.IntegerField()
    remaining_uses = serializers.IntegerField()
    max_uses = serializers.IntegerField()
    total_earned = _earned()


@example(
    "Alice's code",
    referral_code="ABC12345",
    user_id=1,
    username="alice",
    created_at=_AT,
    invite_link=_LINK,
    share_message=f"Join me on Gatewayz and get $10 of credit: {_LINK}",
    **_USES,
)
class CodeSerializer(UsesSerializer):
    referral_code = serializers.CharField()
    user_id = serializers.IntegerField()
    username = serializers.CharField()
    created_at = serializers.DateTimeField(help_text="When the account and its code were created.")
    invite_link = serializers.URLField()
    share_message = serializers.CharField()


@example("An existing code", referral_code="ABC12345", message="This is your referral code.")
class GeneratedCodeSerializer(serializers.Serializer[Any]):
    referral_code = serializers.CharField()
    message = serializers.CharField()


@example("A code", referral_code="ABC12345")
class TypedCodeSerializer(serializers.Serializer[Any]):
    referral_code = AnythingField(
        allow_null=True,
        help_text="What a person typed; text that cannot be a code is simply not found.",
    )


class ClaimResultSerializer(serializers.Serializer[Any]):
    applied = serializers.BooleanField()
    reason = serializers.CharField(allow_null=True, help_text="Why it was not applied.")


@example("Applied", referred_by_code="ABC12345", referral={"applied": True, "reason": None})
class ClaimSerializer(serializers.Serializer[Any]):
    referred_by_code = serializers.CharField(allow_null=True)
    referral = ClaimResultSerializer()


class ReferrerSerializer(serializers.Serializer[Any]):
    username = serializers.CharField()
    email = serializers.CharField(
        allow_null=True, help_text="In full, masked or null, depending on the deployment."
    )


class ValidCodeSerializer(serializers.Serializer[Any]):
    valid = serializers.BooleanField()
    message = serializers.CharField()
    referrer = ReferrerSerializer()
    remaining_uses = serializers.IntegerField()


class InvalidCodeSerializer(serializers.Serializer[Any]):
    valid = serializers.BooleanField()
    message = serializers.CharField()
    error = serializers.CharField()


class ReferralSerializer(serializers.Serializer[Any]):
    user_id = serializers.IntegerField()
    username = serializers.CharField()
    bonus_earned = _earned()
    status = serializers.ChoiceField(choices=Referral.Status.choices)
    completed_at = serializers.DateTimeField()


@example(
    "Alice's stats",
    referral_code="ABC12345",
    invite_link=_LINK,
    current_balance=10.0,
    referred_by_code=None,
    pending_referrals=0,
    referrals=[
        {
            "user_id": 2,
            "username": "bob",
            "bonus_earned": 10.0,
            "status": "completed",
            "completed_at": _AT,
        }
    ],
    **_USES,
)
class StatsSerializer(UsesSerializer):
    referral_code = serializers.CharField()
    invite_link = serializers.URLField()
    current_balance = serializers.DecimalField(**MONEY, help_text="US dollars.")
    referred_by_code = serializers.CharField(allow_null=True)
    pending_referrals = serializers.IntegerField(
        help_text="Sign-ups without a qualifying purchase."
    )
    referrals = ReferralSerializer(many=True)


class QuerySerializer(serializers.Serializer[Any]):
    """Query parameters; an unknown one is an error, because ignoring it would hide a typo."""

    def to_internal_value(self, data: Any) -> Any:
        known = f"Unknown parameter; known are {' and '.join(self.fields)}."
        if unknown := {name: [known] for name in data if name not in self.fields}:
            raise serializers.ValidationError(unknown)
        return super().to_internal_value(data)


class LeaderboardRequestSerializer(QuerySerializer):
    period = serializers.ChoiceField(
        choices=LeaderboardEntry.Period.values,
        default=LeaderboardEntry.Period.ALL,
        help_text="The time that is covered.",
    )
    by = serializers.ChoiceField(
        choices=MEASURES, default="referrals", help_text="The measure of the ranking."
    )


class LeaderSerializer(serializers.Serializer[Any]):
    rank = serializers.IntegerField(help_text="Ties share a rank.")
    username = serializers.CharField(
        allow_null=True, help_text="Null unless the person agreed to be shown."
    )
    referrals = serializers.IntegerField(help_text="Completed in the period.")
    earned = _earned()
    signups = serializers.IntegerField(help_text="Sign-ups with the code in the period.")
    qualified = serializers.IntegerField(
        help_text="How many of these sign-ups have made a qualifying purchase until now."
    )
    conversion = serializers.DecimalField(
        max_digits=4,
        decimal_places=1,
        allow_null=True,
        help_text="`qualified` in per cent of `signups`; null without sign-ups.",
    )
    revenue = serializers.DecimalField(
        **MONEY,
        allow_null=True,
        help_text="US dollars that friends paid in the period, without what was taken back; null "
        "if it would reveal what one or two of them spend.",
    )
    uses_left = serializers.IntegerField()


class OwnRowSerializer(LeaderSerializer):
    rank = serializers.IntegerField(allow_null=True, help_text="Null while the measure is zero.")


_LEADER = LeaderSerializer().fields
_FIRST = dict(zip(_LEADER, (1, None, 9, 90.0, 12, 8, 66.7, 310.0, 1), strict=True))
_ALICE = dict(zip(_LEADER, (2, "alice", 4, 40.0, 5, 4, 80.0, 120.0, 6), strict=True))


@example(
    "Alice is second",
    period="30d",
    by="referrals",
    as_of=_AT,
    leaders=[_FIRST, _ALICE],
    you=_ALICE,
)
class LeaderboardSerializer(serializers.Serializer[Any]):
    period = serializers.ChoiceField(choices=LeaderboardEntry.Period.values)
    by = serializers.ChoiceField(choices=MEASURES)
    as_of = serializers.DateTimeField(
        allow_null=True, help_text="When the leaderboard was counted."
    )
    leaders = LeaderSerializer(many=True, help_text="The first twenty referrers.")
    you = OwnRowSerializer(
        allow_null=True,
        help_text="Your own row, at any rank; null if nobody used your code in the period.",
    )


class CentsInQueryField(serializers.IntegerField):
    """An amount in cents in the address: ASCII digits and nothing else."""

    def to_internal_value(self, data: Any) -> int:
        if not re.fullmatch(r"[0-9]{1,18}", str(data), re.ASCII):
            self.fail("invalid")
        return super().to_internal_value(data)


class ExplainRequestSerializer(QuerySerializer):
    amount = CentsInQueryField(
        min_value=1,
        max_value=MAX_AMOUNT_CENTS,
        required=False,
        help_text="In cents: what a purchase of this amount would bring now.",
    )


class CheckSerializer(serializers.Serializer[Any]):
    name = serializers.ChoiceField(
        choices=[name.value for name in SHOWN_TO_THE_PERSON], source="result.name"
    )
    status = serializers.ChoiceField(
        choices=[status.value for status in Status], source="result.status"
    )
    sentence = serializers.CharField()


class FriendSerializer(serializers.Serializer[Any]):
    username = serializers.CharField()
    state = serializers.ChoiceField(choices=[state.value for state in State])
    sentence = serializers.CharField()


class WhatIfSerializer(serializers.Serializer[Any]):
    amount = serializers.IntegerField(source="cents", help_text="In cents.")
    decision = serializers.ChoiceField(
        choices=[decision.value for decision in Decision if decision != Decision.HELD],
        help_text="`awarded`, or the first check that fails.",
    )
    summary = serializers.CharField()
    checks = CheckSerializer(many=True)


_BELOW = "the purchase of $5.00 is below the minimum of $10.00; a later one may qualify."


@example(
    "Alice asks about five dollars",
    summary="carol invited you: your first purchase of $10.00 or more brings you a bonus.",
    checks=[],
    friends=[
        {
            "username": "bob",
            "state": "pending",
            "sentence": "Your friend bob has not made a qualifying purchase yet.",
        }
    ],
    what_if={
        "amount": 500,
        "decision": "below_minimum",
        "summary": f"A purchase of $5.00 now would earn no bonus: {_BELOW}",
        "checks": [{"name": "minimum", "status": "failed", "sentence": f"T{_BELOW[1:]}"}],
    },
)
class ExplanationSerializer(serializers.Serializer[Any]):
    summary = serializers.CharField()
    checks = CheckSerializer(many=True, help_text="As they were when your purchase was paid.")
    friends = FriendSerializer(
        many=True, source="referees", help_text="The newest hundred, newest first."
    )
    what_if = WhatIfSerializer(allow_null=True, help_text="Null unless an amount is asked about.")
