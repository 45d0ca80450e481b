"""Our record of each purchase, and the inbox of Stripe's events."""

from uuid import uuid4

from django.db import models
from django.db.models import F, Q

from accounts.models import LedgerEntry, User
from payments.inbox_models import StripeEvent
from payments.report_models import DailyTotals, LedgerCheck, StripeComparison
from referrals.eligibility import NOT_QUALIFYING, Decision
from referrals.models import Referral

__all__ = [
    "MAX_AMOUNT_CENTS",
    "Clawback",
    "DailyTotals",
    "LedgerCheck",
    "Payment",
    "PaymentQuerySet",
    "StripeComparison",
    "StripeEvent",
]

# Stripe's own limit for US dollars.
MAX_AMOUNT_CENTS = 99_999_999
_FIRST_QUALIFYING = Q(bonus_decision__in=set(Decision) - NOT_QUALIFYING)


class PaymentQuerySet(models.QuerySet["Payment"]):
    def first_qualifying(self) -> "PaymentQuerySet":
        """Filter to first qualifying purchases; each buyer has at most one."""
        return self.filter(_FIRST_QUALIFYING)

    def by_relevance(self) -> "PaymentQuerySet":
        """Order by first qualifying purchases, then the others, the newest first."""
        return self.annotate(qualifies=_FIRST_QUALIFYING).order_by("-qualifies", "-pk")

    def by_card_of(self, user: User | int) -> "PaymentQuerySet":
        """Filter to payments by a card with which this person has paid."""
        by_card = self.exclude(card_fingerprint="").order_by()
        theirs = Payment.objects.exclude(card_fingerprint="").filter(user=user).order_by()
        return by_card.filter(card_fingerprint__in=theirs.values("card_fingerprint"))


class Payment(models.Model):
    """A purchase of credits, from the order on.

    This row decides amount, owner and currency; what Stripe reports must match it (CONTRACT 2.9).
    """

    class Status(models.TextChoices):
        """The state of the purchase.

        created → pending, once we know Stripe's session → paid, failed or expired. A failed or
        expired purchase becomes paid when Stripe reports the payment later. Paid is final. When
        Stripe's answer was lost, created → expired, or an event brings the session.
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
    # The client's Idempotency-Key.
    idempotency_key = models.CharField(max_length=255, null=True)
    # Our own key at Stripe: unique in every database, also in one that was restored or emptied.
    # Empty for a payment from before there was one.
    stripe_key = models.UUIDField(null=True, default=uuid4, editable=False)
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
    # Why it earned bonuses or not, decided when it was paid.
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
    # In cents, the sum over its refunds and disputes.
    taken_back = models.PositiveIntegerField(default=0)
    # When checkout was completed with a delayed payment method.
    completed_at = models.DateTimeField(null=True)
    # Stripe's fingerprint; the same card always has the same one.
    card_fingerprint = models.CharField(max_length=64, blank=True)
    card_checked_at = models.DateTimeField(null=True)
    # When we last asked Stripe for the card without getting an answer.
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
            # For the admin's filters. They leave the most frequent values out: the primary key
            # finds these fast enough, and settling an ordinary purchase writes to neither index.
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
    def is_first_qualifying(self) -> bool:
        return self.bonus_decision not in {"", *NOT_QUALIFYING}


class Clawback(models.Model):
    """A refund or a dispute of a purchase, and the amount that it takes back now."""

    class Kind(models.TextChoices):
        """How the buyer gets the money back."""

        REFUND = "refund"  # we returned it
        DISPUTE = "dispute"  # the card holder complained to the bank

    class Status(models.TextChoices):
        """The state at Stripe; it only moves forward, so that a late event changes nothing.

        Refund: pending → succeeded → failed, or pending → failed. Dispute: open → dismissed, lost
        or won; a dispute that is lost can be won on appeal.
        """

        PENDING = "pending"
        SUCCEEDED = "succeeded"  # takes back
        FAILED = "failed"
        OPEN = "open"  # takes back
        DISMISSED = "dismissed"  # an inquiry that did not become a dispute
        LOST = "lost"  # takes back
        WON = "won"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    stripe_id = models.CharField(max_length=255, unique=True)
    payment_intent_id = models.CharField(max_length=255, db_index=True)
    # Empty until the purchase settles; then the refund or dispute is applied.
    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, null=True, related_name="clawbacks"
    )
    # In cents, as reported by Stripe.
    amount = models.PositiveIntegerField()
    status = models.CharField(max_length=10, choices=Status.choices)
    # In cents; less than the amount when other refunds and disputes took back the rest.
    taken = models.PositiveIntegerField(default=0)
    ledger_entry = models.OneToOneField(
        LedgerEntry, on_delete=models.PROTECT, null=True, related_name="clawback"
    )
    # How many entries it has posted, reversed ones included.
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
