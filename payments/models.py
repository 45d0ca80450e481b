"""Our record of each purchase, and the inbox of Stripe's events."""

import json
from typing import Any

from django.db import models
from django.db.models import F, Q

from accounts.models import LedgerEntry, User
from payments.report_models import DailyFigures, LedgerCheck
from referrals.gates import NOT_QUALIFYING, Decision
from referrals.models import Referral

__all__ = ["Clawback", "DailyFigures", "LedgerCheck", "Payment", "StripeEvent"]

# Stripe's own limit for US dollars.
MAX_AMOUNT_CENTS = 99_999_999


class PaymentQuerySet(models.QuerySet["Payment"]):
    def deciding(self) -> "PaymentQuerySet":
        """The purchases that qualified as their buyer's first: of each buyer one at most."""
        return self.filter(bonus_decision__in=set(Decision) - NOT_QUALIFYING)


class Payment(models.Model):
    """A purchase of credits, from the moment it is asked for; the authority on whom and how much.

    Amount, owner and currency of what Stripe reports are held against this row (CONTRACT 2.9).
    """

    class Status(models.TextChoices):
        """Where the purchase stands.

        created → pending (Stripe has the session) → paid, failed or expired; a session that
        Stripe reports as paid after all turns failed and expired into paid. Paid is final.
        """

        CREATED = "created"
        PENDING = "pending"
        PAID = "paid"
        FAILED = "failed"
        EXPIRED = "expired"

    user = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="payments", db_index=False
    )
    amount = models.PositiveIntegerField(help_text="In cents.")
    currency = models.CharField(max_length=3, default="usd")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.CREATED)
    idempotency_key = models.CharField(
        max_length=255, null=True, help_text="The client's own name for this purchase."
    )
    success_url = models.CharField(max_length=2000)
    cancel_url = models.CharField(max_length=2000)
    session_id = models.CharField(max_length=255, unique=True, null=True)
    payment_intent_id = models.CharField(max_length=255, unique=True, null=True)
    checkout_url = models.TextField(blank=True)
    expires_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True)
    ledger_entry = models.OneToOneField(
        LedgerEntry, on_delete=models.PROTECT, null=True, related_name="payment"
    )
    bonus_decision = models.CharField(
        max_length=20,
        blank=True,
        choices=[(decision.value, decision.value) for decision in Decision],
        help_text="Why it earned bonuses, or why not; decided when it was paid.",
    )
    gates = models.JSONField(
        default=list, blank=True, help_text="Every gate before the bonus, as it stood then."
    )
    referral = models.OneToOneField(
        Referral, on_delete=models.PROTECT, null=True, related_name="payment"
    )
    taken_back = models.PositiveIntegerField(
        default=0, help_text="In cents, by refunds and disputes together."
    )
    completed_at = models.DateTimeField(
        null=True, help_text="When checkout was completed with money that is still on its way."
    )
    card_fingerprint = models.CharField(
        max_length=64, blank=True, help_text="Stripe's; one card is always the same."
    )
    card_checked_at = models.DateTimeField(null=True)

    objects = PaymentQuerySet.as_manager()

    class Meta:
        db_table = "payments"
        indexes = [
            models.Index(fields=["user", "-id"], name="payments_of_user"),
            models.Index(
                fields=["paid_at"],
                include=["user", "bonus_decision"],
                condition=Q(status="paid"),
                name="payments_paid",
            ),
            models.Index(
                fields=["card_fingerprint", "user"],
                condition=~Q(card_fingerprint=""),
                name="payments_by_card",
            ),
            models.Index(
                fields=["paid_at"],
                condition=Q(status="paid", card_checked_at__isnull=True),
                name="payments_card_unchecked",
            ),
            models.Index(
                fields=["expires_at"],
                condition=Q(status="pending", completed_at__isnull=True),
                name="payments_open",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gte=1, amount__lte=MAX_AMOUNT_CENTS),
                name="payments_amount_in_range",
            ),
            models.CheckConstraint(condition=Q(currency="usd"), name="payments_in_us_dollars"),
            models.UniqueConstraint(
                fields=["user", "idempotency_key"], name="payments_asked_for_once"
            ),
            models.CheckConstraint(
                condition=Q(status="paid", ledger_entry__isnull=False, paid_at__isnull=False)
                | (~Q(status="paid") & Q(ledger_entry__isnull=True, paid_at__isnull=True)),
                name="payments_paid_means_credited",
            ),
            models.CheckConstraint(
                condition=Q(taken_back__lte=F("amount")), name="payments_taken_back_at_most_given"
            ),
            models.CheckConstraint(
                condition=Q(taken_back=0) | Q(status="paid"), name="payments_taken_back_once_paid"
            ),
            models.CheckConstraint(
                condition=Q(status="created", session_id__isnull=True)
                | (~Q(status="created") & Q(session_id__isnull=False)),
                name="payments_have_a_session_once_pending",
            ),
        ]

    def __str__(self) -> str:
        return f"payment {self.pk}"

    @property
    def is_decisive(self) -> bool:
        """Whether it is its buyer's first that qualified."""
        return self.bonus_decision not in {"", *NOT_QUALIFYING}


class Clawback(models.Model):
    """A refund or a dispute of a purchase, known by Stripe's id, and what it takes back now."""

    class Kind(models.TextChoices):
        """Who wants the money back."""

        REFUND = "refund"  # we gave it
        DISPUTE = "dispute"  # the card's owner went to the bank

    class Status(models.TextChoices):
        """Where it stands; it goes only forward, so that old news change nothing.

        Refund: pending → succeeded → failed, or pending → failed. Dispute: open → dismissed, lost
        or won; a dispute that is lost can be won on appeal.
        """

        PENDING = "pending"
        SUCCEEDED = "succeeded"  # takes back
        FAILED = "failed"
        OPEN = "open"  # takes back
        DISMISSED = "dismissed"  # an inquiry that came to nothing
        LOST = "lost"  # takes back
        WON = "won"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    stripe_id = models.CharField(max_length=255, unique=True)
    payment_intent_id = models.CharField(max_length=255, db_index=True)
    payment = models.ForeignKey(
        Payment,
        on_delete=models.PROTECT,
        null=True,
        related_name="clawbacks",
        help_text="Empty while the purchase is not known: it is applied when that settles.",
    )
    amount = models.PositiveIntegerField(help_text="In cents, as Stripe says.")
    status = models.CharField(max_length=10, choices=Status.choices)
    taken = models.PositiveIntegerField(
        default=0, help_text="In cents; less than the amount when others took the rest."
    )
    ledger_entry = models.OneToOneField(
        LedgerEntry, on_delete=models.PROTECT, null=True, related_name="clawback"
    )
    postings = models.PositiveSmallIntegerField(default=0, help_text="How often it took.")
    created_at = models.DateTimeField()

    class Meta:
        db_table = "clawbacks"
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="refund", status__in=["pending", "succeeded", "failed"])
                | Q(kind="dispute", status__in=["open", "dismissed", "lost", "won"]),
                name="clawbacks_status_of_their_kind",
            ),
            models.CheckConstraint(condition=Q(amount__gte=1), name="clawbacks_of_something"),
            models.CheckConstraint(
                condition=Q(taken=0, ledger_entry__isnull=True)
                | Q(
                    taken__gt=0,
                    ledger_entry__isnull=False,
                    payment__isnull=False,
                ),
                name="clawbacks_take_by_an_entry",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.stripe_id}"

    @property
    def takes_back(self) -> bool:
        return self.status in {self.Status.SUCCEEDED, self.Status.OPEN, self.Status.LOST}


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
    body = models.BinaryField(help_text="Raw: jsonb refuses NUL, NaN and lone surrogates.")
    received_at = models.DateTimeField()
    retry_at = models.DateTimeField(help_text="When to try again, unless Stripe does before.")
    attempts = models.PositiveIntegerField(default=0)
    outcome = models.CharField(max_length=12, choices=Outcome.choices, default=Outcome.RECEIVED)
    reason = models.CharField(max_length=500, blank=True, help_text="Why, for a person.")
    last_error = models.TextField(blank=True)
    processed_at = models.DateTimeField(null=True)
    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, null=True, related_name="stripe_events"
    )

    class Meta:
        db_table = "stripe_events"
        indexes = [
            models.Index(
                fields=["retry_at"],
                condition=Q(processed_at__isnull=True),
                name="stripe_events_unprocessed",
            ),
            models.Index(
                fields=["-received_at"],
                condition=Q(outcome__in=["quarantined", "failed"]),
                name="stripe_events_need_someone",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome__in=["received", "failed"], processed_at__isnull=True)
                | (~Q(outcome__in=["received", "failed"]) & Q(processed_at__isnull=False)),
                name="stripe_events_processed_has_an_outcome",
            ),
        ]

    def __str__(self) -> str:
        return self.event_id

    def parsed(self) -> dict[str, Any]:
        """Return the event as Stripe wrote it."""
        event: dict[str, Any] = json.loads(bytes(self.body))
        return event
