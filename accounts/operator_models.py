"""The models of what operators do: the audit log, manual adjustments and their limit."""

from decimal import Decimal

from django.contrib.postgres.indexes import BrinIndex, GinIndex, OpClass
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from accounts.money import MoneyField, dollars

# Named as the place of an action that was not done in the admin.
COMMAND_LINE = "the command line"
# The largest single adjustment in US dollars, credit or debit, with or without approval.
MAX_ADJUSTMENT = Decimal(100_000)


class AuditEntry(models.Model):
    """One action of an operator; appended by `accounts.audit`, never changed (CONTRACT 7).

    The target has no foreign key: it can be a row of any table, and the entry outlives it.
    """

    at = models.DateTimeField()
    # The operator; empty for the command line.
    by = models.ForeignKey(
        "accounts.User", on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    # The machine's account that ran the command; empty in the admin.
    shell_user = models.CharField(max_length=100, blank=True, default="")
    # Such as "release bonus".
    action = models.CharField(max_length=50)
    # Such as "accounts.user".
    target_type = models.CharField(max_length=100)
    # Empty for a whole list.
    target_id = models.BigIntegerField(null=True)
    # The target's name at that time.
    target_label = models.CharField(max_length=200)
    reason = models.CharField(max_length=500)
    before = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    after = models.JSONField(default=dict, encoder=DjangoJSONEncoder)

    class Meta:
        db_table = "audit_entries"
        verbose_name_plural = "audit log"
        default_permissions = ("view",)
        permissions = [("export", "Can export lists")]
        indexes = [
            models.Index(fields=["target_type", "target_id", "-id"], name="audit_of_target"),
            models.Index(fields=["by", "-id"], name="audit_by_person"),
            models.Index(fields=["action", "-id"], name="audit_by_action"),
            BrinIndex(fields=["at"], pages_per_range=16, name="audit_by_time"),
            GinIndex(OpClass(Lower("reason"), name="gin_trgm_ops"), name="audit_by_reason"),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(action=""), name="audit_names_the_action"),
            models.CheckConstraint(condition=Q(reason__regex=r"\S"), name="audit_says_why"),
            models.CheckConstraint(
                condition=Q(by__isnull=False, shell_user="")
                | (Q(by__isnull=True) & ~Q(shell_user="")),
                name="audit_says_who",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action}: {self.target_label}"

    @property
    def who(self) -> str:
        """Return who did it, as text; select `by` with the query."""
        return str(self.by) if self.by else f"{self.shell_user}, on {COMMAND_LINE}"


# The statuses with a ledger entry.
_POSTED = Q(status__in=["posted", "reversed"])


class Adjustment(models.Model):
    """A change of a balance requested by an operator; see `accounts.adjustments` (CONTRACT 7).

    The request never changes, and a decided adjustment only becomes reversed, by a trigger. A
    mistake is corrected by a reversal.
    """

    class Category(models.TextChoices):
        """The kind of reason, for reports; `reason` has the details."""

        GOODWILL = "goodwill"
        CORRECTION = "correction"
        PROMOTION = "promotion"
        FRAUD = "fraud"
        OTHER = "other"

    class Status(models.TextChoices):
        """Posted at once, or waiting → posted, rejected or withdrawn; posted → reversed."""

        WAITING = "waiting"  # a second person of Finance must decide
        POSTED = "posted"  # it has its ledger entry
        REJECTED = "rejected"  # the second person refused it
        REVERSED = "reversed"  # it has its entry, and its reversal has one
        WITHDRAWN = "withdrawn"  # the requester took it back while it was waiting

    user = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="adjustments")
    # US dollars; negative is a debit.
    amount = MoneyField()
    category = models.CharField(max_length=12, choices=Category.choices)
    # For colleagues; the account's owner never sees it.
    reason = models.CharField(max_length=500)
    status = models.CharField(max_length=10, choices=Status.choices)
    # Empty for the command line.
    requested_by = models.ForeignKey(
        "accounts.User", on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    requested_at = models.DateTimeField()
    # US dollars that the requester could still adjust alone at that time.
    approval_limit = MoneyField()
    # The second person; empty when none was needed or none has decided yet.
    decided_by = models.ForeignKey(
        "accounts.User", on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    decided_at = models.DateTimeField(null=True)
    decision_note = models.CharField(max_length=500, blank=True)
    ledger_entry = models.OneToOneField(
        "accounts.LedgerEntry", on_delete=models.PROTECT, null=True, related_name="adjustment"
    )
    reverses = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, related_name="reversals", db_index=False
    )
    # Identifies the request: sent twice, it is one adjustment.
    token = models.UUIDField(unique=True)

    class Meta:
        db_table = "adjustments"
        default_permissions = ("view",)
        permissions = [
            ("adjust_credits", "Can adjust balances"),
            ("approve_adjustment", "Can approve and reject adjustments of others"),
        ]
        indexes = [
            models.Index(fields=["status", "-id"], name="adjustments_by_status"),
            models.Index(
                fields=["requested_by", "requested_at"],
                condition=Q(status="posted", decided_by__isnull=True),
                name="adjustments_unapproved",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(amount=0) & Q(amount__gte=-MAX_ADJUSTMENT, amount__lte=MAX_ADJUSTMENT),
                name="adjustments_of_something",
            ),
            models.CheckConstraint(
                condition=Q(reason__regex=r"\S"), name="adjustments_have_a_reason"
            ),
            models.CheckConstraint(
                condition=(_POSTED & Q(ledger_entry__isnull=False))
                | (~_POSTED & Q(ledger_entry__isnull=True)),
                name="adjustments_posted_by_an_entry",
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True, decided_at__isnull=True)
                | (
                    Q(decided_by__isnull=False, decided_at__isnull=False)
                    & ~Q(status="waiting")
                    & Q(decision_note__regex=r"\S")
                ),
                name="adjustments_decided_with_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["waiting", "withdrawn"])
                | Q(decided_by__isnull=False)
                | (_POSTED & Q(amount__gte=-F("approval_limit"), amount__lte=F("approval_limit"))),
                name="adjustments_above_the_limit_need_two",
            ),
            models.CheckConstraint(
                condition=(_POSTED & Q(decided_by__isnull=True))
                | (Q(requested_by__isnull=False) & ~Q(decided_by=F("requested_by"))),
                name="adjustments_decided_by_another",
            ),
            models.CheckConstraint(
                condition=~Q(requested_by=F("user")) & ~Q(decided_by=F("user")),
                name="adjustments_not_of_ones_own",
            ),
            models.UniqueConstraint(
                fields=["reverses"],
                condition=~Q(status__in=["rejected", "withdrawn"]),
                name="adjustments_reversed_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{dollars(self.amount)} for {self.user}"

    @property
    def asked_by(self) -> str:
        """Return who requested it, as text; select `requested_by` with the query."""
        return str(self.requested_by or COMMAND_LINE)


class ApprovalLimit(models.Model):
    """What one operator may adjust without a second person, in one row; `migrate` writes it.

    The triggers read it. The role that the program runs as cannot change it.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    amount = MoneyField()

    class Meta:
        db_table = "approval_limits"
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=Q(id=1), name="approval_limits_one_row")]

    def __str__(self) -> str:
        return dollars(self.amount)


def approval_limit() -> Decimal:
    """Return the limit as the triggers see it."""
    return ApprovalLimit.objects.values_list("amount", flat=True).first() or Decimal(0)
