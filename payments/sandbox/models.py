"""What the sandbox stores: Stripe's objects, events, their deliveries, answered keys."""

from typing import Self

from django.db import models
from django.utils import timezone

from payments.sandbox.errors import ApiError
from payments.sandbox.payment_methods import RefundCourse


class StripeModel(models.Model):
    """An object of Stripe's; the rows' own ids give the order of creation."""

    stripe_id = models.CharField(max_length=80, unique=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.stripe_id

    @classmethod
    def find(cls, stripe_id: str) -> Self:
        """Return the object with this id. Raises ApiError."""
        found = cls._default_manager.filter(stripe_id=stripe_id).first()
        if found is None:
            kind = str(cls._meta.verbose_name).replace(" ", "_")
            message = f"No such {kind}: '{stripe_id}'"
            raise ApiError(message, status=404, code="resource_missing")
        return found


class CheckoutSession(StripeModel):
    """A hosted payment page for one purchase."""

    class Status(models.TextChoices):
        """`open` becomes `complete` when somebody pays, or `expired`; neither ever reopens."""

        OPEN = "open"
        COMPLETE = "complete"
        EXPIRED = "expired"

    class PaymentStatus(models.TextChoices):
        """`unpaid` becomes `paid`, perhaps long after the session is complete."""

        UNPAID = "unpaid"
        PAID = "paid"

    status = models.CharField(max_length=10, default=Status.OPEN)
    payment_status = models.CharField(max_length=10, default=PaymentStatus.UNPAID)
    amount_total = models.PositiveBigIntegerField()
    product_name = models.TextField()
    success_url = models.TextField()
    cancel_url = models.TextField()
    pay_url = models.TextField()
    client_reference_id = models.CharField(max_length=200, null=True)
    metadata = models.JSONField(default=dict)
    payment_intent_metadata = models.JSONField(default=dict)
    payer_email = models.CharField(max_length=800, null=True)
    payer_name = models.CharField(max_length=200, null=True)
    expires_at = models.DateTimeField()

    def paid_url(self) -> str:
        """Return where the payer goes after paying."""
        return self.success_url.replace("{CHECKOUT_SESSION_ID}", self.stripe_id)


class PaymentIntent(StripeModel):
    """The payment of a session; made when somebody first tries to pay."""

    class Status(models.TextChoices):
        """A declined card leads back to `requires_payment_method`."""

        REQUIRES_PAYMENT_METHOD = "requires_payment_method"
        PROCESSING = "processing"
        SUCCEEDED = "succeeded"

    session = models.OneToOneField(
        CheckoutSession, on_delete=models.CASCADE, related_name="payment_intent"
    )
    status = models.CharField(max_length=30, default=Status.REQUIRES_PAYMENT_METHOD)
    settles_at = models.DateTimeField(null=True)
    will_fail = models.BooleanField(default=False)


class Charge(StripeModel):
    """One attempt to collect the amount, by one card or bank account."""

    class Status(models.TextChoices):
        """`pending` becomes one of the others; those are final."""

        PENDING = "pending"
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    payment_intent = models.ForeignKey(
        PaymentIntent, on_delete=models.CASCADE, related_name="charges"
    )
    status = models.CharField(max_length=10)
    payment_method_details = models.JSONField()
    refund_course = models.CharField(max_length=20, default=RefundCourse.AT_ONCE)
    failure_code = models.CharField(max_length=50, null=True)
    failure_message = models.CharField(max_length=200, null=True)

    @classmethod
    def lock(cls, charge_id: str) -> "Charge":
        """Lock the charge's session, then read the charge as the last holder of the lock left it.

        Every change of a refund or a dispute holds this lock.
        """
        session = cls.find(charge_id).payment_intent.session
        CheckoutSession.objects.select_for_update().get(pk=session.pk)
        locked = cls._default_manager.select_related("payment_intent__session")
        return locked.get(stripe_id=charge_id)

    def count_refunded(self) -> int:
        """Return the cents that refunds have taken, or will take once they are not pending."""
        not_failed = self.refunds.exclude(status=Refund.Status.FAILED)
        return int(not_failed.aggregate(total=models.Sum("amount", default=0))["total"])

    def count_left(self) -> int:
        """Return the cents that no refund has taken."""
        return self.payment_intent.session.amount_total - self.count_refunded()


class Refund(StripeModel):
    """Money that the seller sends back."""

    class Status(models.TextChoices):
        """`pending` becomes `succeeded`; the bank may make either `failed`, which is final."""

        PENDING = "pending"
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    charge = models.ForeignKey(Charge, on_delete=models.CASCADE, related_name="refunds")
    amount = models.PositiveBigIntegerField()
    status = models.CharField(max_length=10)
    settles_at = models.DateTimeField(null=True)


class Dispute(StripeModel):
    """A payer's bank asks the money back (chargeback), or only asks about it (inquiry)."""

    class Status(models.TextChoices):
        """The bank's decision turns `needs_response` into `won` or `lost`.

        An inquiry has the two that begin with `warning_`.
        """

        WARNING_NEEDS_RESPONSE = "warning_needs_response"
        WARNING_CLOSED = "warning_closed"
        NEEDS_RESPONSE = "needs_response"
        WON = "won"
        LOST = "lost"

    CLOSED = (Status.WARNING_CLOSED, Status.WON, Status.LOST)
    HOLDING_THE_MONEY = (Status.NEEDS_RESPONSE, Status.LOST)

    charge = models.ForeignKey(Charge, on_delete=models.CASCADE, related_name="disputes")
    amount = models.PositiveBigIntegerField()
    case_type = models.CharField(max_length=10)
    status = models.CharField(max_length=30)

    @property
    def is_open(self) -> bool:
        """Say whether the bank has yet to decide."""
        return self.status not in self.CLOSED


class Event(StripeModel):
    """Something that happened; `body` is the text that deliveries send, byte for byte."""

    type = models.CharField(max_length=80)
    body = models.TextField()


class Delivery(models.Model):
    """One event on its way to the webhook endpoint."""

    class Status(models.TextChoices):
        """`pending` is tried until a 2xx makes it `delivered` or time makes it `abandoned`."""

        PENDING = "pending"
        DELIVERED = "delivered"
        ABANDONED = "abandoned"

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="deliveries")
    status = models.CharField(max_length=10, default=Status.PENDING)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    last_http_status = models.PositiveIntegerField(null=True)
    last_error = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [models.Index(fields=["status", "due_at"], name="stripe_sandbox_delivery_due")]

    def __str__(self) -> str:
        return f"{self.event_id}: {self.status}"


class DeliverySwitch(models.Model):
    """The one row that says whether deliveries are paused."""

    is_paused = models.BooleanField(default=False)

    def __str__(self) -> str:
        return "paused" if self.is_paused else "delivering"


class AnsweredKey(models.Model):
    """The first answer that a request with an Idempotency-Key got."""

    key = models.CharField(max_length=255, unique=True)
    parameters = models.TextField()
    body = models.TextField()
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.key
