"""Our record of each purchase, and the inbox of Stripe's events."""

from django.db import models
from django.db.models import F, Q

from accounts.models import LedgerEntry, User
from payments.inbox_records import StripeEvent
from payments.report_models import DailyTotals, LedgerCheck
from referrals.eligibility import NOT_QUALIFYING, Decision
from referrals.models import Referral

__all__ = [
    "MAX_AMOUNT_CENTS",
    "Clawback",
    "DailyTotals",
    "LedgerCheck",
    "Payment",
    "PaymentQuerySet",
    "StripeEvent",
]

# Stripe's own limit for US dollars.
MAX_AMOUNT_CENTS = 99_999_999
_DECISIVE = Q(bonus_decision__in=set(Decision) - NOT_QUALIFYING)


class PaymentQuerySet(models.QuerySet["Payment"]):
    def deciding(self) -> "PaymentQuerySet":
        """The purchases that qualified as their buyer's first: of each buyer one at most."""
        return self.filter(_DECISIVE)

    def decisive_first(self) -> "PaymentQuerySet":
        """These, with those that qualified as their buyer's first before the newest others."""
        return self.annotate(decisive=_DECISIVE).order_by("-decisive", "-pk")


class Payment(models.Model):
    """A purchase of credits, from the moment it is asked for; the authority on whom and how much.

    Amount, owner and currency of what Stripe reports are held against this row (CONTRACT 2.9).
    """

    class Status(models.TextChoices):
        """Where the purchase stands.

        created → pending (we know Stripe's session) → paid, failed or expired; a session that
        Stripe reports as paid after all turns failed and expired into paid. Paid is final. One for
        which Stripe's answer was lost goes from created to expired, or gets the session by an
        event.
        """

        CREATED = "created"
        PENDING = "pending"
        PAID = "paid"
        FAILED = "failed"
        EXPIRED = "expired"

    user = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="payments", db_index=False
    )
    # In cents.
    amount = models.PositiveIntegerField()
    currency = models.CharField(max_length=3, default="usd")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.CREATED)
    # The client's own name for this purchase.
    idempotency_key = models.CharField(max_length=255, null=True)
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
    # Why it earned bonuses, or why not; decided when it was paid.
    bonus_decision = models.CharField(
        max_length=20,
        blank=True,
        choices=[(decision.value, decision.value) for decision in Decision],
    )
    # The result of every check of the bonus when it was paid.
    checks = models.JSONField(default=list, blank=True)
    referral = models.OneToOneField(
        Referral, on_delete=models.PROTECT, null=True, related_name="payment"
    )
    # In cents, by refunds and disputes together.
    taken_back = models.PositiveIntegerField(default=0)
    # When checkout was completed with money that is still on its way.
    completed_at = models.DateTimeField(null=True)
    # Stripe's; one card is always the same.
    card_fingerprint = models.CharField(max_length=64, blank=True)
    card_checked_at = models.DateTimeField(null=True)
    # When Stripe was last asked for the card and gave no answer.
    card_asked_at = models.DateTimeField(null=True)

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
                F("card_asked_at").asc(nulls_first=True),
                "paid_at",
                condition=Q(status="paid", card_checked_at__isnull=True),
                name="payments_without_card",
            ),
            models.Index(
                fields=["expires_at"],
                condition=Q(status="pending", completed_at__isnull=True),
                name="payments_open",
            ),
            # For operators: what most payments are is found by going through them backwards, so
            # that to settle an ordinary one writes to neither.
            models.Index(
                fields=["status", "-id"], condition=~Q(status="paid"), name="payments_by_status"
            ),
            models.Index(
                fields=["bonus_decision", "-id"],
                condition=~Q(bonus_decision__in=["", "not_first", "not_referred"]),
                name="payments_by_decision",
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
                condition=Q(status__in=["created", "expired"], session_id__isnull=True)
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
    # Empty while the purchase is not known: it is applied when that settles.
    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, null=True, related_name="clawbacks"
    )
    # In cents, as Stripe says.
    amount = models.PositiveIntegerField()
    status = models.CharField(max_length=10, choices=Status.choices)
    # In cents; less than the amount when others took the rest.
    taken = models.PositiveIntegerField(default=0)
    ledger_entry = models.OneToOneField(
        LedgerEntry, on_delete=models.PROTECT, null=True, related_name="clawback"
    )
    # How often it took.
    postings = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "clawbacks"
        verbose_name = "refund or dispute"
        verbose_name_plural = "refunds and disputes"
        indexes = [
            models.Index(fields=["kind", "-id"], name="clawbacks_by_kind"),
            models.Index(fields=["status", "-id"], name="clawbacks_by_status"),
            models.Index(
                fields=["-id"], condition=Q(payment__isnull=True), name="clawbacks_waiting"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="refund", status__in=["pending", "succeeded", "failed"])
                | Q(kind="dispute", status__in=["open", "dismissed", "lost", "won"]),
                name="clawbacks_status_of_their_kind",
            ),
            models.CheckConstraint(condition=Q(amount__gte=1), name="clawbacks_of_something"),
            models.CheckConstraint(
                condition=Q(taken=0, ledger_entry__isnull=True)
                | Q(taken__gt=0, ledger_entry__isnull=False, payment__isnull=False),
                name="clawbacks_take_by_an_entry",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.stripe_id}"

    @property
    def takes_back(self) -> bool:
        return self.status in {self.Status.SUCCEEDED, self.Status.OPEN, self.Status.LOST}
