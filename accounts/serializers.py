"""The request and response bodies of the accounts endpoints."""

from typing import Any, ClassVar

from django.contrib.auth.validators import UnicodeUsernameValidator
from rest_framework import serializers

from accounts import ledger
from accounts.models import LedgerEntry, User
from accounts.money import MONEY
from accounts.preferences import EmailKind, ShowToReferrer
from accounts.tokens import PREFIX, Scope
from gatewayz.api.auto_schema import example
from gatewayz.api.json_api import AnythingField, TextField

_NEW_KEY = "gw_live_wJ9b2uYv0cQ4m1dXH7pK5sRtZ8eLfA3gN6iO_kBxUqE"
_AT = "2026-11-22T12:00:00Z"
_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


class StrictBooleanField(serializers.BooleanField):
    """Accepts only JSON's true and false, unlike DRF, which also takes "yes" and 1."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


@example(
    "Bob, invited by Alice",
    username="bob",
    email="bob@example.com",
    auth_method="email",
    referral_code="ABC12345",
)
class RegistrationRequestSerializer(serializers.Serializer[Any]):
    username = TextField(max_length=150, validators=[UnicodeUsernameValidator()])
    email = serializers.EmailField(max_length=254)
    auth_method = serializers.ChoiceField(choices=User.AuthMethod.choices)
    referral_code = AnythingField(
        required=False,
        allow_null=True,
        help_text="The code of the person who invited you; an invalid one is ignored.",
    )

    def validate_username(self, value: str) -> str:
        """Normalise, then validate again: one character can become several."""
        normalized = User.normalize_username(value)
        self.fields["username"].run_validators(normalized)
        return normalized

    def validate_email(self, value: str) -> str:
        """Normalise as stored, then validate again: a domain in lower case can be longer."""
        normalized = User.objects.normalize_email(value)
        self.fields["email"].run_validators(normalized)
        return normalized


class AttributionSerializer(serializers.Serializer[Any]):
    applied = serializers.BooleanField()
    reason = serializers.CharField(allow_null=True, help_text="Why it was not applied.")


@example(
    "Bob's account",
    user_id=2,
    username="bob",
    email="bob@example.com",
    auth_method="email",
    api_key=_NEW_KEY,
    credits=0.0,
    referral_code="B0B12345",
    referred_by_code="ABC12345",
    referral={"applied": True, "reason": None},
    message="Account created. Keep the API key: it is shown this once.",
    timestamp=_AT,
)
class RegistrationSerializer(serializers.Serializer[Any]):
    user_id = serializers.IntegerField()
    username = serializers.CharField()
    email = serializers.EmailField()
    auth_method = serializers.ChoiceField(choices=User.AuthMethod.choices)
    api_key = serializers.CharField(help_text="Shown only once.")
    credits = serializers.DecimalField(**MONEY, help_text="US dollars.")
    referral_code = serializers.CharField(help_text="Your own code.")
    referred_by_code = serializers.CharField(allow_null=True)
    referral = AttributionSerializer()
    message = serializers.CharField()
    timestamp = serializers.DateTimeField()


@example("Bob's balance", user_id=2, username="bob", credits=20.0, currency="usd")
class BalanceSerializer(serializers.Serializer[Any]):
    user_id = serializers.IntegerField()
    username = serializers.CharField()
    credits = serializers.DecimalField(**MONEY, help_text="US dollars.")
    currency = serializers.CharField()


@example(
    "A bonus",
    id=3,
    kind="referee_bonus",
    amount=10.0,
    balance_after=20.0,
    description="Bonus for registering with the code ABC12345",
    created_at=_AT,
)
class LedgerEntrySerializer(serializers.Serializer[LedgerEntry]):
    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=LedgerEntry.Kind.choices)
    amount = serializers.DecimalField(**MONEY, help_text="US dollars; negative for a debit.")
    balance_after = serializers.DecimalField(**MONEY, help_text="US dollars.")
    description = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()

    def get_description(self, entry: LedgerEntry) -> str:
        return ledger.describe(entry)


@example(
    "The first of two entries",
    entry=f"1|2|1|purchase|10.00|10.00|2026-11-22T12:00:00.000000Z|{_SHA256}|Purchase of credits",
    leaf_index=0,
    tree_size=2,
    audit_path=[_SHA256],
    previous_head="0" * 64,
    head=_SHA256,
    sealed_at=_AT,
)
class ProofSerializer(serializers.Serializer[Any]):
    entry = serializers.CharField(
        help_text="The entry as it was hashed: id, user, number, kind, amount, balance after,"
        " created at, a hash of what is not shown, description; with | between them."
    )
    leaf_index = serializers.IntegerField()
    tree_size = serializers.IntegerField()
    audit_path = serializers.ListField(
        child=serializers.CharField(), help_text="Hashes of RFC 6962, in hexadecimal."
    )
    previous_head = serializers.CharField()
    head = serializers.CharField(help_text="SHA-256 of a byte 2, the previous head and the root.")
    sealed_at = serializers.DateTimeField()


_KEY = {
    "id": 7,
    "prefix": _NEW_KEY[:12],
    "name": "laptop",
    "created_at": _AT,
    "last_used_at": None,
}


@example("A key", **_KEY)
class ApiKeySerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    prefix = serializers.CharField(help_text="The beginning of the key, to identify it.")
    name = serializers.CharField()
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="To the minute.")


@example("The key", **_KEY, api_key=_NEW_KEY)
class NewApiKeySerializer(ApiKeySerializer):
    api_key = serializers.CharField(help_text="Shown only once.")


@example("A name", name="laptop")
class ApiKeyRequestSerializer(serializers.Serializer[Any]):
    name = TextField(max_length=100, default="API key")


class EmailsSerializer(serializers.Serializer[Any]):
    """Whether each kind of e-mail is on."""

    is_whole: ClassVar = True

    def get_fields(self) -> dict[str, Any]:
        return {
            kind.value: StrictBooleanField(required=self.is_whole, help_text=f"{kind.label}.")
            for kind in EmailKind
        }


class EmailSwitchesSerializer(EmailsSerializer):
    """Some of the kinds; the others stay as they are."""

    is_whole = False

    def to_internal_value(self, data: Any) -> Any:
        known = f"Unknown kind; known are {', '.join(self.fields)}."
        unknown = set(data) - set(self.fields) if isinstance(data, dict) else set()
        if unknown:
            raise serializers.ValidationError({name: [known] for name in sorted(unknown)})
        return super().to_internal_value(data)


_PREFERENCES = {
    "show_on_leaderboard": False,
    "show_to_referrer": "initials",
    "emails": {kind.value: kind != EmailKind.WELCOME for kind in EmailKind},
}


@example("Initials for the referrer", **_PREFERENCES)
class PreferencesSerializer(serializers.Serializer[Any]):
    show_on_leaderboard = StrictBooleanField(
        help_text="Others can see your username on the leaderboard; false by default."
    )
    show_to_referrer = serializers.ChoiceField(
        choices=ShowToReferrer.choices,
        help_text="What the person who invited you sees of you: your username, its initials, or "
        "`hidden`, which is “a friend”.",
    )
    emails = EmailsSerializer(help_text="Which e-mails you get.")


@example(
    "Initials, and no e-mail of friends",
    show_to_referrer="initials",
    emails={"friend_signed_up": False},
)
class PreferencesRequestSerializer(PreferencesSerializer):
    emails = EmailSwitchesSerializer()


def _rows(help_text: str = "") -> serializers.ListField:
    return serializers.ListField(child=serializers.DictField(), help_text=help_text or None)


_LISTS = (
    *("api_keys", "payments", "ledger_entries", "adjustments", "friends"),
    *("referral_received", "emails", "operator_actions", "stripe_events"),
)


@example(
    "Bob, who has done nothing yet",
    exported_at=_AT,
    account={"id": 2, "username": "bob", "email": "bob@example.com"},
    preferences=_PREFERENCES,
    **{name: [] for name in _LISTS},
)
class ExportSerializer(serializers.Serializer[Any]):
    exported_at = serializers.DateTimeField()
    account = serializers.DictField()
    preferences = PreferencesSerializer()
    api_keys = _rows("Without secrets.")
    payments = _rows("Amounts in cents.")
    ledger_entries = _rows("Amounts in US dollars.")
    adjustments = _rows("What support changed.")
    friends = _rows("Named as they show themselves to you.")
    referral_received = _rows()
    emails = _rows("Which e-mails we sent; their text is not kept.")
    operator_actions = _rows()
    stripe_events = _rows("What Stripe told us, as it came.")


@example("Bob's name", username="bob")
class EraseRequestSerializer(serializers.Serializer[Any]):
    username = TextField(max_length=150, help_text="Your username, to confirm.")


@example("Done", message="Your account is erased.")
class ErasedSerializer(serializers.Serializer[Any]):
    message = serializers.CharField()


class RevocationQuerySerializer(serializers.Serializer[Any]):
    confirm = serializers.BooleanField(
        default=False, help_text="Whether to revoke the key even if it is your last one."
    )


@example("A scope", scope="read")
class TokenRequestSerializer(serializers.Serializer[Any]):
    scope = serializers.ChoiceField(
        choices=[scope.value for scope in Scope],
        default=Scope.READ.value,
        help_text="`stats`: to get the code, its uses and what it earned, for a frame on another"
        " site; `read`: also what the dashboard shows; `checkout`: also to buy credits.",
    )


@example(
    "A token",
    token=f"{PREFIX}read.2.7.1wOFpK.5GqJ0v3Yt8TzR1mXcVbN2kLhQwEaSdFgHjKlZxCvBnM",
    scope="read",
    expires_at="2026-11-22T12:15:00Z",
)
class TokenSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(help_text="Sent as a key is: `Authorization: Bearer gw_temp_…`.")
    scope = serializers.ChoiceField(choices=[scope.value for scope in Scope])
    expires_at = serializers.DateTimeField()
