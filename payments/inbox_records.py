"""The table of Stripe's events: what arrived, and what became of it."""

import json
from typing import Any

from django.db import models
from django.db.models import Q


class StripeEvent(models.Model):
    """An authentic event as it arrived, byte for byte, and what became of it."""

    class Outcome(models.TextChoices):
        """What became of an event; with `failed` and `received` it is not the end of it."""

        RECEIVED = "received"  # stored, not yet worked on
        SETTLED = "settled"  # the purchase was credited
        REPEATED = "repeated"  # what it says had been done already
        APPLIED = "applied"  # what a refund or a dispute means for the purchase was done
        DEFERRED = "deferred"  # its purchase is not known yet; applied when that settles
        WAITING = "waiting"  # checkout is complete, the money is still on its way
        CLOSED = "closed"  # the payment failed or expired
        IGNORED = "ignored"  # of a type that means nothing to us
        QUARANTINED = "quarantined"  # authentic, but does not fit our record: a person looks
        FAILED = "failed"  # an error on our side: Stripe delivers again

    event_id = models.CharField(max_length=255, unique=True)
    event_type = models.CharField(max_length=100)
    # Raw: jsonb refuses NUL, NaN and lone surrogates.
    body = models.BinaryField()
    received_at = models.DateTimeField()
    # When to try again, unless Stripe does before.
    retry_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    outcome = models.CharField(max_length=12, choices=Outcome.choices, default=Outcome.RECEIVED)
    # Why, for a person.
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
            # For operators: an event that settles a purchase, as most do, is in neither.
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
        """All that it asked for was done; what was put aside or failed may be attempted again."""
        aside = {self.Outcome.IGNORED, self.Outcome.QUARANTINED}
        return self.processed_at is not None and self.outcome not in aside

    def parsed(self) -> dict[str, Any]:
        """Return the event as Stripe wrote it."""
        event: dict[str, Any] = json.loads(bytes(self.body))
        return event
