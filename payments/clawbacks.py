"""Takes back what refunds and disputes take, gives it again when they fail, and never too much.

What is taken follows from what is known of a purchase's refunds and disputes, not from the order
in which it came to be known: each event updates the facts, and `rebalance` posts the difference.

The locks, always in this order: the event, the turn of the payment intent, the payment, the
accounts by id.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from accounts import advisory_locks, ledger
from accounts.models import LedgerEntry
from accounts.money import from_cents
from payments.models import Clawback, Payment, StripeEvent
from payments.outcomes import Handled, QuarantinedError, compare, compare_amount
from payments.stripe_gateway import Claim
from referrals import bonuses
from referrals.attribution import buyer_and_referrer
from referrals.models import Referral

Kind = Clawback.Kind
Status = Clawback.Status

_REFUND_STATUS = {
    "pending": Status.PENDING,
    "requires_action": Status.PENDING,
    "succeeded": Status.SUCCEEDED,
    "failed": Status.FAILED,
    "canceled": Status.FAILED,
}
# An inquiry (`warning_…`) counts as a dispute from its beginning; an appeal goes on from lost.
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

# Of two pieces of news the one with the higher number counts, whichever came last.
_LATER_NEWS: dict[str, int] = {
    Status.PENDING: 0,
    Status.OPEN: 0,
    Status.SUCCEEDED: 1,
    Status.FAILED: 2,
    Status.DISMISSED: 1,
    Status.LOST: 2,
    Status.WON: 3,
}

_ENTRY_KIND = {Kind.REFUND: LedgerEntry.Kind.REFUND, Kind.DISPUTE: LedgerEntry.Kind.DISPUTE}
_DESCRIPTION = {
    Kind.REFUND: "Refund of a purchase",
    Kind.DISPUTE: "Purchase disputed with the bank",
}
_UNDONE = {
    Kind.REFUND: "Refund of a purchase undone",
    Kind.DISPUTE: "Dispute of a purchase settled",
}


def note_refund(claim: Claim, *, now: datetime) -> Handled:
    """Take in what Stripe says of a refund. Raises QuarantinedError."""
    return _note(Kind.REFUND, claim, _REFUND_STATUS, now=now)


def note_dispute(claim: Claim, *, now: datetime) -> Handled:
    """Take in what Stripe says of a dispute. Raises QuarantinedError."""
    return _note(Kind.DISPUTE, claim, _DISPUTE_STATUS, now=now)


def _note(
    kind: Clawback.Kind, claim: Claim, statuses: Mapping[str, Clawback.Status], *, now: datetime
) -> Handled:
    status = statuses.get(claim.status)
    if status is None:
        raise QuarantinedError(f"a {kind} has no status {claim.status!r}")
    compare("currency", claim.currency, "usd")
    if not 1 <= claim.amount <= 2**31 - 1:
        raise QuarantinedError(f"the amount of a {kind} cannot be {claim.amount}")
    payment = _lock_payment(claim.payment_intent_id)
    clawback = _record(kind, claim, status, payment, now=now)
    if payment is None:
        reason = "kept until its purchase settles"
        return Handled(StripeEvent.Outcome.DEFERRED, None, reason)
    rebalance(payment, now=now)
    return Handled(StripeEvent.Outcome.APPLIED, payment, clawback.status)


def _lock_payment(payment_intent_id: str) -> Payment | None:
    """Return the settled payment of this intent, locked.

    A settlement under way is waited for first: so either we find the payment that it settled, or
    it finds the clawback that we record.
    """
    advisory_locks.lock(payment_intent_id)
    payments = Payment.objects.select_for_update(no_key=True, of=("self",)).select_related("user")
    return payments.filter(payment_intent_id=payment_intent_id).first()


def _record(
    kind: Clawback.Kind,
    claim: Claim,
    status: Clawback.Status,
    payment: Payment | None,
    *,
    now: datetime,
) -> Clawback:
    """Insert what is new, or move what is known forward: news older than ours change nothing."""
    clawback, is_new = Clawback.objects.get_or_create(
        stripe_id=claim.stripe_id,
        defaults={
            "kind": kind,
            "payment_intent_id": claim.payment_intent_id,
            "payment": payment,
            "amount": claim.amount,
            "status": status,
            "created_at": now,
        },
    )
    if not is_new:
        compare("kind", kind, clawback.kind)
        compare("payment_intent", claim.payment_intent_id, clawback.payment_intent_id)
        _move_forward(clawback, status, claim.amount)
    return clawback


def _move_forward(clawback: Clawback, status: Clawback.Status, amount: int) -> None:
    """Keep the later news; what is disputed can change on the way, what is refunded cannot."""
    if clawback.kind == Kind.REFUND:
        compare_amount(clawback.kind, amount, clawback.amount)
    known = _LATER_NEWS[clawback.status], clawback.amount
    if (_LATER_NEWS[status], amount) > known:
        clawback.status, clawback.amount = status, amount
        clawback.save(update_fields=["status", "amount"])


def adopt(payment: Payment, *, now: datetime) -> None:
    """Apply to a payment that settles what came before it was known."""
    early = Clawback.objects.filter(payment=None, payment_intent_id=payment.payment_intent_id or "")
    if early.update(payment=payment):
        rebalance(payment, now=now)


def rebalance(payment: Payment, *, now: datetime) -> None:
    """Post the difference between what is taken back of a locked payment and what should be.

    Together never more than was given; and the bonuses stand only while what is left still
    qualifies and nobody disputes it (CONTRACT 2.7).
    """
    clawbacks = list(
        payment.clawbacks.select_related("ledger_entry").order_by("-kind", "stripe_id")
    )
    ledger.lock_accounts(buyer_and_referrer(payment.user))
    shares = list(_share_out(payment.amount, clawbacks))
    # First what is given again, then what is taken: a person who reads along sees sense.
    for clawback, due in shares:
        if clawback.taken > due:
            _give_again(clawback, now=now)
    for clawback, due in shares:
        if clawback.taken < due:
            _give_again(clawback, now=now)
            _take(clawback, due, payment, now=now)
    payment.taken_back = sum(due for _, due in shares)
    payment.save(update_fields=["taken_back"])
    _rebalance_bonuses(payment, clawbacks, now=now)


def _share_out(amount: int, clawbacks: Iterable[Clawback]) -> Iterable[tuple[Clawback, int]]:
    """Say how many cents each may take, refunds first, until nothing is left."""
    left = amount
    for clawback in clawbacks:
        due = min(clawback.amount, left) if clawback.takes_back else 0
        left -= due
        yield clawback, due


def posting_keys(clawback: Clawback) -> list[str]:
    """Return what names the entries of a clawback, for each time that it took."""
    cause = f"{clawback.kind}:{clawback.stripe_id}"
    return [f"{cause}:{number}" for number in range(1, clawback.postings + 1)]


def _take(clawback: Clawback, cents: int, payment: Payment, *, now: datetime) -> None:
    clawback.postings += 1
    clawback.taken = cents
    clawback.ledger_entry = ledger.post(
        user_id=payment.user_id,
        kind=_ENTRY_KIND[Kind(clawback.kind)],
        amount=-from_cents(cents),
        idempotency_key=posting_keys(clawback)[-1],
        description=_DESCRIPTION[Kind(clawback.kind)],
        reference=clawback.stripe_id,
        now=now,
    )
    clawback.save(update_fields=["postings", "taken", "ledger_entry"])


def _give_again(clawback: Clawback, *, now: datetime) -> None:
    if clawback.ledger_entry is None:
        return
    ledger.reverse(clawback.ledger_entry, description=_UNDONE[Kind(clawback.kind)], now=now)
    clawback.taken = 0
    clawback.ledger_entry = None
    clawback.save(update_fields=["taken", "ledger_entry"])


def _rebalance_bonuses(payment: Payment, clawbacks: list[Clawback], *, now: datetime) -> None:
    if payment.referral_id is None:
        return
    legs = ("program", "referred_user", "referrer_entry", "referee_entry")
    referral = Referral.objects.select_related(*legs).get(pk=payment.referral_id)
    is_disputed = any(c.takes_back for c in clawbacks if c.kind == Kind.DISPUTE)
    left = from_cents(payment.amount - payment.taken_back)
    qualifies = not is_disputed and left >= referral.program.minimum_purchase
    if qualifies != referral.purchase_qualifies:
        bonuses.requalify(referral, qualifies=qualifies, now=now)
