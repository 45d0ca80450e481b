"""What the endpoints about referrals take and give."""

import re
from typing import Any

from rest_framework import serializers

from accounts.money import MONEY
from gatewayz.api.json_api import AnythingField
from payments.explanations.messages import SHOWN_TO_THE_PERSON
from payments.explanations.referees import State
from payments.models import MAX_AMOUNT_CENTS
from payments.reports.leaderboard import MEASURES
from referrals.eligibility import Decision, Status
from referrals.models import LeaderboardEntry, Referral


class CodeSerializer(serializers.Serializer[Any]):
    referral_code = serializers.CharField()
    user_id = serializers.IntegerField()
    username = serializers.CharField()
    created_at = serializers.DateTimeField(help_text="Since when you have an account and a code.")
    invite_link = serializers.URLField()
    share_message = serializers.CharField()


class GeneratedCodeSerializer(serializers.Serializer[Any]):
    referral_code = serializers.CharField()
    message = serializers.CharField()


class ValidateRequestSerializer(serializers.Serializer[Any]):
    referral_code = AnythingField(
        allow_null=True, help_text="What a person typed; what is no code is simply not found."
    )


class ReferrerSerializer(serializers.Serializer[Any]):
    username = serializers.CharField()
    email = serializers.CharField(
        allow_null=True, help_text="In full, masked or null, as the deployment has it."
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


class ReferralSerializer(serializers.Serializer[Referral]):
    user_id = serializers.IntegerField(source="referred_user_id")
    username = serializers.CharField(source="referred_user.username")
    bonus_earned = serializers.DecimalField(**MONEY, help_text="US dollars that stand.")
    status = serializers.ChoiceField(choices=Referral.Status.choices)
    completed_at = serializers.DateTimeField()


class StatsSerializer(serializers.Serializer[Any]):
    referral_code = serializers.CharField()
    invite_link = serializers.URLField()
    total_uses = serializers.IntegerField()
    remaining_uses = serializers.IntegerField()
    max_uses = serializers.IntegerField()
    total_earned = serializers.DecimalField(**MONEY, help_text="US dollars that stand.")
    current_balance = serializers.DecimalField(**MONEY, help_text="US dollars.")
    referred_by_code = serializers.CharField(allow_null=True)
    pending_referrals = serializers.IntegerField(help_text="Signed up, not yet bought.")
    referrals = ReferralSerializer(many=True)


class QuerySerializer(serializers.Serializer[Any]):
    """The parameters of an address; one that is not among them was meant to do something."""

    def to_internal_value(self, data: Any) -> Any:
        known = f"There is no such parameter; there is {' and '.join(self.fields)}."
        if unknown := {name: [known] for name in data if name not in self.fields}:
            raise serializers.ValidationError(unknown)
        return super().to_internal_value(data)


class LeaderboardRequestSerializer(QuerySerializer):
    period = serializers.ChoiceField(
        choices=LeaderboardEntry.Period.values,
        default=LeaderboardEntry.Period.ALL,
        help_text="How far back.",
    )
    by = serializers.ChoiceField(
        choices=MEASURES, default="referrals", help_text="What they are ranked by."
    )


class LeaderSerializer(serializers.Serializer[Any]):
    rank = serializers.IntegerField(help_text="Equals share one.")
    username = serializers.CharField(
        allow_null=True, help_text="Null unless the person wants to be seen."
    )
    referrals = serializers.IntegerField(help_text="Completed in the period.")
    earned = serializers.DecimalField(**MONEY, help_text="US dollars that stand.")
    signups = serializers.IntegerField(help_text="Who signed up with the code in the period.")
    qualified = serializers.IntegerField(
        help_text="Of these sign-ups, who has made a qualifying purchase by now."
    )
    conversion = serializers.DecimalField(
        max_digits=4,
        decimal_places=1,
        allow_null=True,
        help_text="`qualified` in per cent of `signups`; null without any.",
    )
    revenue = serializers.DecimalField(
        **MONEY,
        allow_null=True,
        help_text="US dollars that the friends paid in the period, less what was taken back; null "
        "where it would tell what one or two of them spend.",
    )
    uses_left = serializers.IntegerField()


class OwnRowSerializer(LeaderSerializer):
    rank = serializers.IntegerField(
        allow_null=True, help_text="Null while there is nothing to be ranked by."
    )


class LeaderboardSerializer(serializers.Serializer[Any]):
    period = serializers.ChoiceField(choices=LeaderboardEntry.Period.values)
    by = serializers.ChoiceField(choices=MEASURES)
    as_of = serializers.DateTimeField(allow_null=True, help_text="When it was counted.")
    leaders = LeaderSerializer(many=True, help_text="The first twenty.")
    you = OwnRowSerializer(
        allow_null=True,
        help_text="Your own row, wherever you stand; null if nobody used your code in the period.",
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


class ExplanationSerializer(serializers.Serializer[Any]):
    summary = serializers.CharField()
    checks = CheckSerializer(many=True, help_text="As they were when your purchase was paid.")
    friends = FriendSerializer(
        many=True, source="referees", help_text="The newest hundred, newest first."
    )
    what_if = WhatIfSerializer(allow_null=True, help_text="Null unless an amount is asked about.")
