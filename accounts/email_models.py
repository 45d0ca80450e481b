"""The models of e-mails: what is to be sent, and how far their causes have been read."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from accounts.preferences import EmailKind


class Email(models.Model):
    """One e-mail to one person about one cause; see `accounts.emails`.

    It has no address and no text: both are made when it is sent.
    """

    class Template(models.TextChoices):
        """What it says: `templates/email/….txt`."""

        WELCOME = "welcome"
        FRIEND_SIGNED_UP = "friend_signed_up"
        BONUS_EARNED = "bonus_earned"
        BONUS_TAKEN_BACK = "bonus_taken_back"
        BONUS_HELD = "bonus_held"
        ADJUSTMENT = "adjustment"

    class Outcome(models.TextChoices):
        """What became of it: waiting → any other, which is final."""

        WAITING = "waiting"
        SENT = "sent"  # the mail server took it
        SWITCHED_OFF = "switched_off"  # the person does not want it
        NO_RECIPIENT = "no_recipient"  # deactivated, of staff, or without an address
        TOO_OLD = "too_old"  # it could not be sent while it was news
        REFUSED = "refused"  # the mail server does not know the address

    # The preference that switches it off, where it is not of the same name.
    SWITCHES: ClassVar = {Template.BONUS_HELD: EmailKind.BONUS_TAKEN_BACK}

    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="emails")
    template = models.CharField(max_length=20, choices=Template.choices)
    # The id of the cause: a ledger entry, a user who signed up, or a referral.
    cause_id = models.BigIntegerField()
    # When it happened.
    caused_at = models.DateTimeField()
    outcome = models.CharField(max_length=12, choices=Outcome.choices, default=Outcome.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    # When the next attempt is due; once it has an outcome, when that came about.
    due_at = models.DateTimeField()

    class Meta:
        db_table = "emails"
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=["template", "cause_id", "user"], name="emails_one_for_each_cause"
            )
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(outcome="waiting"), name="emails_due")
        ]

    def __str__(self) -> str:
        return f"{self.template} {self.cause_id}"

    @property
    def kind(self) -> EmailKind:
        """The preference that switches it off."""
        template = self.Template(self.template)
        return self.SWITCHES.get(template) or EmailKind(template.value)


class EmailSource(models.Model):
    """The last row of a table that was looked at for causes of e-mails."""

    table = models.CharField(primary_key=True, max_length=20)
    last_id = models.BigIntegerField()

    class Meta:
        db_table = "email_sources"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.table} {self.last_id}"
