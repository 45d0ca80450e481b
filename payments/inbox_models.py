"""The table of Stripe's events: the raw event, and its outcome."""

import json
from typing import Any

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q


class StripeEvent(models.Model):
    """An authentic event as it arrived, byte for byte, and its outcome."""

    class Outcome(models.TextChoices):
        """The result of an event; all but `received` and `failed` are set when it is processed."""

        RECEIVED = "received"  # stored, not processed yet
        SETTLED = "settled"  # the purchase was credited
        REPEATED = "repeated"  # an earlier event had the same effect
        APPLIED = "applied"  # a refund or a dispute was applied to its purchase
        DEFERRED = "deferred"  # a refund or a dispute whose purchase has not settled yet
        WAITING = "waiting"  # checkout is complete, the delayed payment is not confirmed yet
        CLOSED = "closed"  # the payment failed or expired
        IGNORED = "ignored"  # we do not handle this type, or another program's purchase
        QUARANTINED = "quarantined"  # contradicts our record: an operator must look at it
        RESOLVED = "resolved"  # was quarantined, and an operator took care of it
        FAILED = "failed"  # an error on our side: Stripe and the worker retry

    event_id = models.CharField(max_length=255, unique=True)
    event_type = models.CharField(max_length=255)
    # Not jsonb: it refuses NUL, NaN and lone surrogates, which a JSON text may contain.
    # Empty when `retention` has removed it.
    body = models.BinaryField()
    received_at = models.DateTimeField()
    # When the worker retries it, unless Stripe delivers it again before.
    retry_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    outcome = models.CharField(max_length=12, choices=Outcome.choices, default=Outcome.RECEIVED)
    # Why it has this outcome, as a message to operators.
    reason = models.CharField(max_length=500, blank=True)
    last_error = models.TextField(blank=True)
    processed_at = models.DateTimeField(null=True)
    payment = models.ForeignKey(
        "payments.Payment", on_delete=models.PROTECT, null=True, related_name="stripe_events"
    )

    class Meta:
        db_table = "stripe_events"
        verbose_name = "Stripe event"
        permissions = [("replay_event", "Can replay Stripe's events")]
        indexes = [
            models.Index(
                fields=["retry_at"],
                condition=Q(processed_at__isnull=True),
                name="stripe_events_unprocessed",
            ),
            # For the admin's filters. The usual event, one that settles, is in neither index, so
            # that settling a purchase does not write to them.
            models.Index(
                fields=["outcome", "-id"],
                condition=~Q(outcome__in=["received", "settled"]),
                name="stripe_events_by_outcome",
            ),
            models.Index(
                fields=["event_type", "-id"],
                condition=~Q(event_type="checkout.session.completed"),
                name="stripe_events_by_type",
            ),
            # The last one tells `retention` where to go on. A new event is not in this index.
            models.Index(fields=["-id"], condition=Q(body=b""), name="stripe_events_without_body"),
            # BRIN: events are stored in order of time.
            BrinIndex(fields=["received_at"], pages_per_range=16, name="stripe_events_by_time"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome__in=["received", "failed"], processed_at__isnull=True)
                | (~Q(outcome__in=["received", "failed"]) & Q(processed_at__isnull=False)),
                name="stripe_events_processed_has_an_outcome",
            )
        ]

    def __str__(self) -> str:
        return f"event {self.event_id}"

    @property
    def is_done(self) -> bool:
        """Whether a replay cannot change anything: not failed, quarantined or ignored."""
        replayable = {self.Outcome.IGNORED, self.Outcome.QUARANTINED}
        return self.processed_at is not None and self.outcome not in replayable

    def parsed(self) -> dict[str, Any]:
        """Return the event's JSON; an empty object when the body was removed."""
        event: dict[str, Any] = json.loads(bytes(self.body) or b"{}")
        return event
