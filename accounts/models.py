"""The models of people, their API keys and the ledger of their credits."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex, GinIndex, OpClass
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts import mailboxes, names
from accounts.email_models import Email, EmailSource
from accounts.internal_models import LedgerSeal, LimitWindow
from accounts.money import MoneyField
from accounts.operator_models import Adjustment, ApprovalLimit, AuditEntry
from accounts.preferences import ShowToReferrer

__all__ = [
    "Adjustment",
    "ApiKey",
    "ApprovalLimit",
    "AuditEntry",
    "Email",
    "EmailSource",
    "LedgerEntry",
    "LedgerSeal",
    "LimitWindow",
    "User",
]


class User(AbstractUser):
    """A person with an account; the columns are the wiki's (CONTRACT 3).

    `credits` is the balance in US dollars. Only `accounts.ledger` changes it, and the database
    refuses a commit in which it differs from the last entry's `balance_after`.
    """

    class AuthMethod(models.TextChoices):
        """How the person signs in to Gatewayz."""

        EMAIL = "email"
        PHONE = "phone"
        WALLET = "wallet"
        GOOGLE = "google"
        GITHUB = "github"

    date_joined = None  # type: ignore[assignment]  # the wiki calls it created_at
    email = models.EmailField("e-mail address", max_length=254)
    # The user name as `names.fold` compares it: PostgreSQL's LOWER() changes only ASCII in the C
    # locale. Empty in a row that another program wrote, until the job `fold_people` runs.
    username_folded = models.CharField(
        max_length=names.MAX_FOLDED_LENGTH, null=True, editable=False
    )
    # The e-mail address as `mailboxes.fold` compares it; empty in a row that another program wrote,
    # until the job `fold_people` runs; settlement compares the addresses meanwhile.
    mailbox = models.CharField(max_length=mailboxes.MAX_LENGTH, null=True, editable=False)
    credits = MoneyField(default=Decimal(0), editable=False)
    # The person's own code, for inviting others.
    referral_code = models.CharField(
        max_length=16,
        null=True,
        unique=True,
        editable=False,
        validators=[RegexValidator(r"\A[A-Z0-9]{6,16}\Z")],
    )
    # The inviter's code, given at registration or claimed within seven days; never changes then.
    referred_by_code = models.CharField(max_length=16, null=True, editable=False)
    # When that code was claimed; empty when it was given at registration.
    claimed_at = models.DateTimeField(null=True, editable=False)
    # The first qualifying purchase has settled, with or without a bonus.
    has_made_first_purchase = models.BooleanField(default=False, editable=False)
    auth_method = models.CharField(
        max_length=10, choices=AuthMethod.choices, default=AuthMethod.EMAIL
    )
    # An HMAC of the network address at registration.
    signup_address = models.CharField(max_length=64, blank=True, editable=False)
    # The person allows others to see their name on the leaderboard.
    show_on_leaderboard = models.BooleanField(default=False, editable=False)
    show_to_referrer = models.CharField(
        max_length=8, choices=ShowToReferrer.choices, db_default="username", editable=False
    )
    # Each an `EmailKind`.
    emails_off = ArrayField(models.CharField(max_length=20), db_default=[], editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # When the person was erased (CONTRACT 2.14); the account stays deactivated from then on.
    erased_at = models.DateTimeField(null=True, editable=False)

    REQUIRED_FIELDS: ClassVar[list[str]] = ["email"]

    class Meta:
        db_table = "users"
        permissions = [
            ("deactivate_user", "Can deactivate and reactivate people"),
            ("set_inviter", "Can set a missing inviter"),
            ("erase_user", "Can export and erase people"),
        ]
        constraints = [
            # text_pattern_ops: the index also serves prefix searches, in any collation.
            models.UniqueConstraint(
                OpClass(Lower("username"), name="text_pattern_ops"),
                name="users_username_any_case_unique",
            ),
            models.UniqueConstraint(
                fields=["username_folded"], name="users_username_folded_unique"
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
        # Settling a purchase changes `credits` and `has_made_first_purchase`: no index has them, or
        # each settlement would write to all indexes of the table.
        indexes = [
            models.Index(
                fields=["referred_by_code"],
                condition=Q(referred_by_code__isnull=False),
                name="users_referred_by_code",
            ),
            models.Index(fields=["mailbox"], name="users_by_mailbox"),
            models.Index(
                fields=["signup_address"],
                condition=~Q(signup_address=""),
                name="users_by_signup_address",
            ),
            # Without `fastupdate`: a registration now and then would write what thousands before
            # it have put off.
            GinIndex(
                OpClass(Lower("username"), name="gin_trgm_ops"),
                OpClass(Lower("email"), name="gin_trgm_ops"),
                name="users_by_part_of_name",
                fastupdate=False,
            ),
            models.Index(fields=["-id"], condition=Q(is_active=False), name="users_deactivated"),
            models.Index(fields=["-id"], condition=Q(is_staff=True), name="users_staff"),
            models.Index(fields=["created_at"], name="users_by_age"),
            models.Index(
                fields=["created_at"],
                include=["id"],
                condition=Q(referred_by_code__isnull=False),
                name="users_invited_by_age",
            ),
        ]

    @property
    def attributed_at(self) -> datetime:
        """When the terms were promised that an invitation brings (CONTRACT 2.12)."""
        return self.claimed_at or self.created_at

    def get_session_auth_hash(self) -> str:
        """End the sessions when the e-mail address changes, as when the password does.

        Links to log in go there: whoever reads the old mailbox has to log in again, and cannot.
        """
        return self._session_hash(None)

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        return map(self._session_hash, settings.SECRET_KEY_FALLBACKS)

    def _session_hash(self, secret: str | None) -> str:
        text = f"{self.password} {self.email}"
        return salted_hmac("accounts.session", text, secret=secret, algorithm="sha256").hexdigest()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save only the editable fields of an existing user, unless `update_fields` says otherwise.

        Other transactions change the rest, `credits` above all, at any time: saving an old copy
        must not overwrite it.
        """
        if not self._state.adding and not args and not kwargs.get("force_insert"):
            fields = self._meta.concrete_fields
            editable = [field.name for field in fields if field.editable and not field.primary_key]
            kwargs.setdefault("update_fields", editable)
        updated = kwargs.get("update_fields")
        folded = []
        if updated is None or "email" in updated:
            self.mailbox = mailboxes.fold(self.email)[: mailboxes.MAX_LENGTH]
            folded.append("mailbox")
        if (updated is None or "username" in updated) and self._needs_own_name():
            self.username_folded = names.fold(self.username)
            folded.append("username_folded")
        if updated is not None:
            kwargs["update_fields"] = [*updated, *folded]
        super().save(*args, **kwargs)

    def clean(self) -> None:
        """Raise ValidationError, for a form, when the name is somebody else's in any case."""
        super().clean()
        folded = names.fold(self.username or "")  # None when the form refused it
        others = User.objects.filter(username_folded=folded).exclude(pk=self.pk)
        if self._needs_own_name() and others.exists():
            raise ValidationError({"username": "A user with that username already exists."})

    def _needs_own_name(self) -> bool:
        """Return whether the name must be unique without regard to case.

        Who had the name of another before that was compared in every locale keeps it as it is.
        """
        if self._state.adding or self.username_folded is not None:
            return True
        return not User.objects.filter(pk=self.pk, username=self.username).exists()


class ApiKey(models.Model):
    """An API key; only its digest is stored, so a stolen database dump contains no usable key."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    # The beginning of the key, to identify it in lists.
    prefix = models.CharField(max_length=16)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    # To the minute.
    last_used_at = models.DateTimeField(null=True)
    # May be in the future: the key is valid until then.
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "api_keys"
        permissions = [("manage_keys", "Can revoke and rotate API keys")]
        indexes = [
            models.Index(fields=["prefix"], name="api_keys_by_prefix"),
            BrinIndex(fields=["created_at"], pages_per_range=16, name="api_keys_by_time"),
        ]

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
    # US dollars; negative is a debit.
    amount = MoneyField()
    balance_after = MoneyField()
    # Counts the entries of one user from 1; set by a trigger.
    number = models.PositiveIntegerField()
    # Identifies the cause of the entry, which can have no second entry.
    idempotency_key = models.CharField(max_length=255, unique=True)
    # Shown to the account's owner.
    description = models.CharField(max_length=200)
    # Stripe's id or ours.
    reference = models.CharField(max_length=255, blank=True)
    reverses = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, related_name="reversed_by"
    )
    # The operator; empty when the program posted it.
    posted_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    created_at = models.DateTimeField()

    class Meta:
        db_table = "ledger_entries"
        verbose_name_plural = "ledger entries"
        indexes = [
            # None for purchases, which are most entries: a scan from the end finds them soon. The
            # bonuses of both sides have one index, because they are also listed together.
            models.Index(
                fields=["-id"],
                condition=Q(kind__in=["referrer_bonus", "referee_bonus"]),
                name="ledger_bonuses",
            ),
            models.Index(
                fields=["kind", "-id"],
                condition=~Q(kind__in=["purchase", "referrer_bonus", "referee_bonus"]),
                name="ledger_rare_kinds",
            ),
            # BRIN: rows are stored in order of time, so a tiny index is enough; posting is cheap.
            BrinIndex(fields=["created_at"], pages_per_range=16, name="ledger_entries_by_time"),
            models.Index(
                fields=["user"], condition=Q(balance_after__lt=0), name="ledger_entries_in_debt"
            ),
            models.Index(
                fields=["posted_by"],
                condition=Q(posted_by__isnull=False),
                name="ledger_entries_by_operator",
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
