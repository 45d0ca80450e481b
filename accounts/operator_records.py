"""The tables of what operators did: so far the audit log."""

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q


class AuditEntry(models.Model):
    """One action of an operator; appended by `accounts.audit`, never changed (CONTRACT 7).

    The target is named, not pointed at: what an action was done to may be of any table, and the
    entry says what it was even when that is gone.
    """

    at = models.DateTimeField()
    by = models.ForeignKey(
        "accounts.User",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        help_text="The operator; empty when it was done on the command line.",
    )
    action = models.CharField(max_length=50, help_text="What was done: release bonus.")
    target_type = models.CharField(max_length=100, help_text="To what: accounts.user.")
    target_id = models.BigIntegerField(null=True, help_text="Empty when it was a whole list.")
    target_label = models.CharField(max_length=200, help_text="What it was called then.")
    reason = models.CharField(max_length=500, blank=True)
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
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(action=""), name="audit_names_the_action"),
        ]

    def __str__(self) -> str:
        return f"{self.action}: {self.target_label}"
