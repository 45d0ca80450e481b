"""People, the keys they call the API with, and the ledger of their credits."""

from decimal import Decimal
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.indexes import BrinIndex, OpClass
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.money import MoneyField
from accounts.operator_records import Adjustment, AuditEntry

__all__ = ["Adjustment", "ApiKey", "AuditEntry", "LedgerEntry", "LimitWindow", "User"]


class User(AbstractUser):
    """A person with an account; the columns are the wiki's (CONTRACT 3).

    `credits` is the balance in US dollars. It moves only in `accounts.ledger`, and the database
    refuses any commit where it is not the last entry's `balance_after`.
    """

    class AuthMethod(models.TextChoices):
        """How the person signs in at Gatewayz."""

        EMAIL = "email"
        PHONE = "phone"
        WALLET = "wallet"
        GOOGLE = "google"
        GITHUB = "github"

    date_joined = None  # type: ignore[assignment]  # the wiki calls it created_at
    email = models.EmailField("e-mail address", max_length=254)
    credits = MoneyField(default=Decimal(0), editable=False)
    # The code that this person invites with.
    referral_code = models.CharField(
        max_length=16,
        null=True,
        unique=True,
        editable=False,
        validators=[RegexValidator(r"\A[A-Z0-9]{6,16}\Z")],
    )
    # The code that this person registered with; never changes.
    referred_by_code = models.CharField(max_length=16, null=True, editable=False)
    # The first qualifying purchase has settled, with or without a bonus.
    has_made_first_purchase = models.BooleanField(default=False, editable=False)
    auth_method = models.CharField(
        max_length=10, choices=AuthMethod.choices, default=AuthMethod.EMAIL
    )
    # An HMAC of the network address that the account was made from.
    signup_address = models.CharField(max_length=64, blank=True, editable=False)
    # The person's own choice: others may read the name on the leaderboard.
    show_on_leaderboard = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    REQUIRED_FIELDS: ClassVar[list[str]] = ["email"]

    class Meta:
        db_table = "users"
        permissions = [("deactivate_user", "Can deactivate and reactivate people")]
        constraints = [
            # Of this class an index finds beginnings too, whatever the database's collation.
            models.UniqueConstraint(
                OpClass(Lower("username"), name="text_pattern_ops"),
                name="users_username_any_case_unique",
            ),
            models.UniqueConstraint(
                OpClass(Lower("email"), name="text_pattern_ops"), name="users_email_any_case_unique"
            ),
            models.CheckConstraint(
                condition=Q(referral_code__regex=r"^[A-Z0-9]{6,16}$"),
                name="users_referral_code_form",
            ),
            models.CheckConstraint(
                condition=~Q(referred_by_code=F("referral_code")), name="users_not_referred_by_self"
            ),
        ]
        indexes = [
            models.Index(
                fields=["referred_by_code", "has_made_first_purchase"],
                condition=Q(referred_by_code__isnull=False),
                name="users_referred_by_code",
            ),
            models.Index(fields=["has_made_first_purchase", "-id"], name="users_by_first_purchase"),
            models.Index(fields=["-id"], condition=Q(is_active=False), name="users_deactivated"),
            models.Index(fields=["-id"], condition=Q(is_staff=True), name="users_staff"),
            models.Index(fields=["created_at"], name="users_by_age"),
            models.Index(
                fields=["created_at"],
                include=["id", "has_made_first_purchase"],
                condition=Q(referred_by_code__isnull=False),
                name="users_invited_by_age",
            ),
        ]

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write of a known person only what a form may edit, unless told what to write.

        The rest is moved by others at any time, and must not be put back to what was read.
        """
        if not self._state.adding and not args and not kwargs.get("force_insert"):
            fields = self._meta.concrete_fields
            editable = [field.name for field in fields if field.editable and not field.primary_key]
            kwargs.setdefault("update_fields", editable)
        super().save(*args, **kwargs)


class ApiKey(models.Model):
    """A key to the API; only its digest is kept, so that a dump of the database opens nothing."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    # How the key begins, to tell it by.
    prefix = models.CharField(max_length=16)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    # To the minute.
    last_used_at = models.DateTimeField(null=True)
    # May lie ahead: valid until then.
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "api_keys"
        permissions = [("manage_keys", "Can revoke and rotate API keys")]
        indexes = [models.Index(fields=["prefix"], name="api_keys_by_prefix")]

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.name})"


class LedgerEntry(models.Model):
    """One change of one balance; appended by `accounts.ledger`, never changed (CONTRACT 3)."""

    class Kind(models.TextChoices):
        """Why the balance changed."""

        PURCHASE = "purchase"
        REFERRER_BONUS = "referrer_bonus"
        REFEREE_BONUS = "referee_bonus"
        REFUND = "refund"
        DISPUTE = "dispute"
        ADJUSTMENT = "adjustment"
        REVERSAL = "reversal"

    user = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="ledger_entries", db_index=False
    )
    kind = models.CharField(max_length=20, choices=Kind.choices)
    # US dollars; negative takes away.
    amount = MoneyField()
    balance_after = MoneyField()
    # The how-many-eth entry of the account; the database counts.
    number = models.PositiveIntegerField()
    # Names the cause.
    idempotency_key = models.CharField(max_length=255, unique=True)
    # For the person whose balance it is.
    description = models.CharField(max_length=200)
    # Stripe's id or ours.
    reference = models.CharField(max_length=255, blank=True)
    reverses = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, related_name="reversed_by"
    )
    # The operator who did it; empty when the program did.
    posted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        db_table = "ledger_entries"
        verbose_name_plural = "ledger entries"
        indexes = [
            # Purchases are so many that the latest are found without.
            models.Index(
                fields=["kind", "-id"], condition=~Q(kind="purchase"), name="ledger_by_kind"
            ),
            # Entries lie in the order of time, and a small index is cheap for each that is posted.
            BrinIndex(fields=["created_at"], pages_per_range=16, name="ledger_entries_by_time"),
            models.Index(
                fields=["user"], condition=Q(balance_after__lt=0), name="ledger_entries_in_debt"
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["user", "number"], name="ledger_entries_in_a_row"),
            models.CheckConstraint(condition=~Q(amount=0), name="ledger_amount_not_zero"),
            models.CheckConstraint(
                condition=Q(amount__gt=0)
                | ~Q(kind__in=["purchase", "referrer_bonus", "referee_bonus"]),
                name="ledger_credits_are_positive",
            ),
            models.CheckConstraint(
                condition=Q(amount__lt=0) | ~Q(kind__in=["refund", "dispute"]),
                name="ledger_clawbacks_are_negative",
            ),
            models.CheckConstraint(
                condition=Q(kind="reversal", reverses__isnull=False)
                | (~Q(kind="reversal") & Q(reverses__isnull=True)),
                name="ledger_reversal_names_its_original",
            ),
            models.CheckConstraint(
                condition=~Q(idempotency_key=""), name="ledger_entry_names_its_cause"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount:+}"


class LimitWindow(models.Model):
    """How often somebody did something in the present window; kept by `accounts.limits`.

    The table is not logged: counting costs no write to disk, and a crash of PostgreSQL, which
    empties it, at worst opens all windows anew.
    """

    # An HMAC of what and who.
    key = models.BinaryField(primary_key=True)
    uses = models.PositiveIntegerField()
    ends_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "limit_windows"

    def __str__(self) -> str:
        return f"{self.uses} uses until {self.ends_at:%Y-%m-%d %H:%M:%S}"
