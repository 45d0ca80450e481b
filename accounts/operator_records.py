"""The tables of what operators did: the audit log, and the adjustments of balances."""

from decimal import Decimal

from django.contrib.postgres.indexes import BrinIndex
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q

from accounts.money import MoneyField, dollars

# Where is done what nobody does at the desk.
COMMAND_LINE = "the command line"
# What nobody adjusts by at a stroke, whoever approves: in US dollars, up or down.
MOST_ADJUSTED = Decimal(100_000)


class AuditEntry(models.Model):
    """One action of an operator; appended by `accounts.audit`, never changed (CONTRACT 7).

    The target is named, not pointed at: what an action was done to may be of any table, and the
    entry says what it was even when that is gone.
    """

    at = models.DateTimeField()
    # The operator; empty when it was done on the command line.
    by = models.ForeignKey(
        "accounts.User", on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    # Who typed it, by the machine's account; empty when it was done at the desk.
    shell_user = models.CharField(max_length=100, blank=True, default="")
    # What was done: release bonus.
    action = models.CharField(max_length=50)
    # To what: accounts.user.
    target_type = models.CharField(max_length=100)
    # Empty when it was a whole list.
    target_id = models.BigIntegerField(null=True)
    # What it was called then.
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
        """Return who did it, in words; `by` is fetched along."""
        return str(self.by) if self.by else f"{self.shell_user}, on {COMMAND_LINE}"


class Adjustment(models.Model):
    """A change of a balance that an operator asked for; see `accounts.adjustments` (CONTRACT 7).

    What it asks for never changes, and once it is decided nothing does. A mistake is reversed by
    another one.
    """

    class Category(models.TextChoices):
        """Why, in one word, for reports; the words are in `reason`."""

        GOODWILL = "goodwill"
        CORRECTION = "correction"
        PROMOTION = "promotion"
        FRAUD = "fraud"
        OTHER = "other"

    class Status(models.TextChoices):
        """Where it stands: posted at once, or waiting → posted or rejected; these are final."""

        WAITING = "waiting"  # for another person of Finance
        POSTED = "posted"  # it has its ledger entry
        REJECTED = "rejected"  # another person said no

    user = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="adjustments")
    # US dollars; negative takes away.
    amount = MoneyField()
    category = models.CharField(max_length=12, choices=Category.choices)
    # In words, for colleagues.
    reason = models.CharField(max_length=500)
    status = models.CharField(max_length=10, choices=Status.choices)
    # Empty when it was asked for on the command line.
    requested_by = models.ForeignKey(
        "accounts.User", on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    requested_at = models.DateTimeField()
    # US dollars that could be posted without a second person then.
    approval_limit = MoneyField()
    # The second person; empty when none was needed.
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
    # Names the wish: asked for twice it is one.
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
                condition=~Q(amount=0) & Q(amount__gte=-MOST_ADJUSTED, amount__lte=MOST_ADJUSTED),
                name="adjustments_of_something",
            ),
            models.CheckConstraint(
                condition=Q(reason__regex=r"\S"), name="adjustments_have_a_reason"
            ),
            models.CheckConstraint(
                condition=Q(status="posted", ledger_entry__isnull=False)
                | (~Q(status="posted") & Q(ledger_entry__isnull=True)),
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
                condition=Q(status="waiting")
                | Q(decided_by__isnull=False)
                | Q(
                    status="posted",
                    amount__gte=-F("approval_limit"),
                    amount__lte=F("approval_limit"),
                ),
                name="adjustments_above_the_limit_need_two",
            ),
            models.CheckConstraint(
                condition=Q(status="posted", decided_by__isnull=True)
                | (Q(requested_by__isnull=False) & ~Q(decided_by=F("requested_by"))),
                name="adjustments_decided_by_another",
            ),
            models.CheckConstraint(
                condition=~Q(requested_by=F("user")) & ~Q(decided_by=F("user")),
                name="adjustments_not_of_ones_own",
            ),
            models.UniqueConstraint(
                fields=["reverses"],
                condition=~Q(status="rejected"),
                name="adjustments_reversed_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{dollars(self.amount)} for {self.user}"

    @property
    def asked_by(self) -> str:
        """Return who asked for it, in words; `requested_by` is fetched along."""
        return str(self.requested_by or COMMAND_LINE)
