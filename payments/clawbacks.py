"""Takes credits back after refunds and disputes, and reinstates them when these fail or are won.

Stripe's events arrive in any order. So an event only updates what we know of its refund or dispute;
`rebalance` then computes what all of them together should take back, and posts the difference.
The result is the same for every order. `settlement` states the lock order.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from accounts import advisory_locks, ledger
from accounts.models import LedgerEntry
from accounts.money import from_cents
from payments.event_store import Event
from payments.models import Clawback, Payment, StripeEvent
from payments.outcomes import HandlerResult, QuarantinedError, require_same, require_same_amount
from payments.stripe_objects import RefundOrDispute
from referrals import bonuses
from referrals.attribution import buyer_and_referrer
from referrals.models import Referral

Kind = Clawback.Kind
Outcome = StripeEvent.Outcome
Status = Clawback.Status

_REFUND_STATUS = {
    "pending": Status.PENDING,
    "requires_action": Status.PENDING,
    "succeeded": Status.SUCCEEDED,
    "failed": Status.FAILED,
    "canceled": Status.FAILED,
}
# An inquiry (`warning_…`) counts as a dispute from the start. An appeal starts from `lost`.
_DISPUTE_STATUS = {
    "warning_needs_response": Status.OPEN,
    "warning_under_review": Status.OPEN,
    "needs_response": Status.OPEN,
    "under_review": Status.OPEN,
    "warning_closed": Status.DISMISSED,
    "prevented": Status.DISMISSED,
    "lost": Status.LOST,
    "appeal_needs_response": Status.LOST,
    "appeal_under_review": Status.LOST,
    "won": Status.WON,
}

# A status changes only to a later one: an event that arrives late changes nothing.
_ORDER: list[str] = [
    *(Status.PENDING, Status.SUCCEEDED, Status.FAILED),  # of a refund
    *(Status.OPEN, Status.DISMISSED, Status.LOST, Status.WON),  # of a dispute
]

_ENTRY_KIND = {Kind.REFUND: LedgerEntry.Kind.REFUND, Kind.DISPUTE: LedgerEntry.Kind.DISPUTE}
_DESCRIPTION = {
    Kind.REFUND: "Refund of a purchase",
    Kind.DISPUTE: "Purchase disputed with the bank",
}
_REINSTATED = {
    Kind.REFUND: "Refund of a purchase undone",
    Kind.DISPUTE: "Dispute of a purchase settled",
}


def apply_refund(reported: RefundOrDispute, event: Event, *, now: datetime) -> HandlerResult:
    """Apply an event about a refund. Raises QuarantinedError."""
    return _apply(Kind.REFUND, reported, _REFUND_STATUS, now=now)


def apply_dispute(reported: RefundOrDispute, event: Event, *, now: datetime) -> HandlerResult:
    """Apply an event about a dispute. Raises QuarantinedError."""
    return _apply(Kind.DISPUTE, reported, _DISPUTE_STATUS, now=now)


def _apply(
    kind: Clawback.Kind,
    reported: RefundOrDispute,
    statuses: Mapping[str, Clawback.Status],
    *,
    now: datetime,
) -> HandlerResult:
    status = statuses.get(reported.status)
    if status is None:
        raise QuarantinedError(f"a {kind} has no status {reported.status!r}")
    require_same("currency", reported.currency, "usd")
    if not 1 <= reported.amount <= 2**31 - 1:
        raise QuarantinedError(f"the amount of a {kind} cannot be {reported.amount}")
    payment = _lock_payment(reported.payment_intent_id)
    clawback = _record(kind, reported, status, payment, now=now)
    if payment is None:
        return HandlerResult(Outcome.DEFERRED, None, "waits until its purchase settles")
    rebalance(payment, now=now)
    return HandlerResult(Outcome.APPLIED, payment.pk, clawback.status)


def _lock_payment(payment_intent_id: str) -> Payment | None:
    """Return the settled payment of this intent, locked; None if it has not settled."""
    # Race: the purchase may be settling in another transaction, and until that commits, no row
    # has this payment intent. The advisory lock waits for it: either we find the payment that it
    # settled, or it finds the clawback that we save.
    advisory_locks.lock(payment_intent_id)
    payments = Payment.objects.select_for_update(no_key=True, of=("self",)).select_related("user")
    return payments.filter(payment_intent_id=payment_intent_id).first()


def _record(
    kind: Clawback.Kind,
    reported: RefundOrDispute,
    status: Clawback.Status,
    payment: Payment | None,
    *,
    now: datetime,
) -> Clawback:
    """Save a refund or dispute that is new, or update the one that we know."""
    clawback, is_new = Clawback.objects.get_or_create(
        stripe_id=reported.stripe_id,
        defaults={
            "kind": kind,
            "payment_intent_id": reported.payment_intent_id,
            "payment": payment,
            "amount": reported.amount,
            "status": status,
            "created_at": now,
        },
    )
    if not is_new:
        require_same("kind", kind, clawback.kind)
        require_same("payment_intent", reported.payment_intent_id, clawback.payment_intent_id)
        _update_clawback(clawback, status, reported.amount)
    return clawback


def _update_clawback(clawback: Clawback, status: Clawback.Status, amount: int) -> None:
    """Save a later status or, for a dispute of the same status, a larger amount."""
    # Stripe never changes the amount of a refund; the amount of a dispute can change.
    if clawback.kind == Kind.REFUND:
        require_same_amount(clawback.kind, amount, clawback.amount)
    before = _ORDER.index(clawback.status), clawback.amount
    if (_ORDER.index(status), amount) > before:
        clawback.status, clawback.amount = status, amount
        clawback.save(update_fields=["status", "amount"])


def apply_early_clawbacks(payment: Payment, *, now: datetime) -> None:
    """Apply the refunds and disputes that arrived before their payment settled."""
    early = Clawback.objects.filter(payment=None, payment_intent_id=payment.payment_intent_id or "")
    if early.update(payment=payment):
        rebalance(payment, now=now)


def rebalance(payment: Payment, *, now: datetime) -> None:
    """Make the entries of a locked payment agree with its refunds and disputes (CONTRACT 2.7).

    Together they never take back more than was credited. The bonuses are taken back while the
    purchase is disputed or the rest of it is below the minimum.
    """
    clawbacks = sorted(payment.clawbacks.select_related("ledger_entry"), key=_sharing_order)
    ledger.lock_accounts(buyer_and_referrer(payment.user))
    shares = list(_allocate(payment.amount, clawbacks))
    # Reinstate before taking back, so that the balance does not fall too far in between. A share
    # that shrinks but is not zero is reversed here, and posted again below with its new amount.
    for clawback, due in shares:
        if clawback.taken > due:
            _reinstate(clawback, now=now)
    for clawback, due in shares:
        if clawback.taken < due:
            _reinstate(clawback, now=now)
            _take_back(clawback, due, payment, now=now)
    payment.taken_back = sum(due for _, due in shares)
    payment.save(update_fields=["taken_back"])
    refunded = sum(due for clawback, due in shares if clawback.kind == Kind.REFUND)
    _rebalance_bonuses(payment, clawbacks, refunded, now=now)


def _sharing_order(clawback: Clawback) -> tuple[int, str]:
    """Return the place of a refund or dispute when the amount is shared out.

    Refunds come before disputes: we gave that money back ourselves, while a dispute may still be
    won. Of two of one kind Stripe's id decides, and not the time, so that events may come in any
    order.
    """
    return (Kind.REFUND, Kind.DISPUTE).index(Kind(clawback.kind)), clawback.stripe_id


def _allocate(amount: int, clawbacks: Iterable[Clawback]) -> Iterable[tuple[Clawback, int]]:
    """Yield how many cents each takes back, in their order, until the amount is used up."""
    left = amount
    for clawback in clawbacks:
        due = min(clawback.amount, left) if clawback.takes_back else 0
        left -= due
        yield clawback, due


def clawback_keys(clawback: Clawback) -> list[str]:
    """Return the idempotency key of each entry by which a clawback took credits back."""
    cause = f"{clawback.kind}:{clawback.stripe_id}"
    return [f"{cause}:{number}" for number in range(1, clawback.postings + 1)]


def _take_back(clawback: Clawback, cents: int, payment: Payment, *, now: datetime) -> None:
    # The number makes the key unique: one clawback can take back, fail, and take back again.
    clawback.postings += 1
    clawback.taken = cents
    clawback.ledger_entry = ledger.post(
        user_id=payment.user_id,
        kind=_ENTRY_KIND[Kind(clawback.kind)],
        amount=-from_cents(cents),
        idempotency_key=clawback_keys(clawback)[-1],
        description=_DESCRIPTION[Kind(clawback.kind)],
        reference=clawback.stripe_id,
        now=now,
    )
    clawback.save(update_fields=["postings", "taken", "ledger_entry"])


def _reinstate(clawback: Clawback, *, now: datetime) -> None:
    if clawback.ledger_entry is None:
        return
    ledger.reverse(clawback.ledger_entry, description=_REINSTATED[Kind(clawback.kind)], now=now)
    clawback.taken = 0
    clawback.ledger_entry = None
    clawback.save(update_fields=["taken", "ledger_entry"])


def _rebalance_bonuses(
    payment: Payment, clawbacks: list[Clawback], refunded: int, *, now: datetime
) -> None:
    if payment.referral_id is None:
        return
    related = ("program", "referrer", "referred_user", "referrer_entry", "referee_entry")
    referral = Referral.objects.select_related(*related).get(pk=payment.referral_id)
    minimum = referral.program.minimum_purchase
    is_disputed = any(row.takes_back for row in clawbacks if row.kind == Kind.DISPUTE)
    bonuses.update_qualification(
        referral,
        qualifies=not is_disputed and from_cents(payment.amount - payment.taken_back) >= minimum,
        is_final=from_cents(payment.amount - refunded) < minimum,
        now=now,
    )
