"""What happened to a purchase and its bonuses, in order of time, from what is stored."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from operator import attrgetter
from typing import NamedTuple

from django.db.models import Q

from accounts.models import LedgerEntry
from accounts.money import dollars, dollars_of_cents
from accounts.operator_models import COMMAND_LINE
from payments.clawbacks import clawback_keys
from payments.models import Clawback, Payment
from referrals.bonuses import REVERSAL_DESCRIPTIONS, award_keys
from referrals.eligibility import Decision
from referrals.models import Referral

Entries = Mapping[str, LedgerEntry]


class Event(NamedTuple):
    """Something that happened to a purchase, as operators read it."""

    at: datetime | None  # None: the time was not stored
    entry_id: int  # of the ledger entry; it orders the events of one instant
    sentence: str


@dataclass(frozen=True)
class Timeline:
    """What happened, in order, and since when the bonus is held or taken back."""

    events: list[Event]
    held_at: datetime | None = None
    taken_back_at: datetime | None = None


def related_entries(payments: Sequence[Payment]) -> dict[str, LedgerEntry]:
    """Return each entry that these payments led to, with its reversal, by key, in one query.

    The clawbacks and referrals of the payments are to be loaded.
    """
    clawbacks = chain.from_iterable(payment.clawbacks.all() for payment in payments)
    keys = list(chain.from_iterable(map(clawback_keys, clawbacks)))
    for payment in payments:
        if payment.referral:
            keys += chain.from_iterable(award_keys(payment.referral))
    purchases = [payment.ledger_entry_id for payment in payments if payment.ledger_entry_id]
    posted = LedgerEntry.objects.filter(Q(idempotency_key__in=keys) | Q(pk__in=purchases))
    loaded = posted.select_related("user", "reversed_by__user").order_by("pk")
    return {entry.idempotency_key: entry for entry in loaded}


def entries_of(payment: Payment) -> list[LedgerEntry]:
    """Return every entry that a payment led to, with its reversals, in the order of posting."""
    entries = list(related_entries([payment]).values())
    reversals = [reversal for entry in entries if (reversal := reversal_of(entry))]
    return sorted([*entries, *reversals], key=attrgetter("pk"))


def reversal_of(entry: LedgerEntry) -> LedgerEntry | None:
    return getattr(entry, "reversed_by", None)


def timeline_of(payment: Payment, entries: Entries) -> Timeline:
    """Return what happened to a payment; `entries` are at least those that it led to."""
    clawbacks = [_of_clawback(clawback, entries) for clawback in payment.clawbacks.all()]
    events = [*_of_payment(payment), *chain.from_iterable(clawbacks)]
    if payment.referral is None:
        return Timeline(_in_order(events))
    # Of each award one entry is enough; those of both sides have the same history.
    awards = _posted([keys.referrer for keys in award_keys(payment.referral)], entries)
    reversals = [reversal for entry in awards if (reversal := reversal_of(entry))]
    hold = next((reversal for reversal in reversals if _is_hold(reversal)), None)
    held_at = hold.created_at if hold else None
    if payment.bonus_decision == Decision.HELD:
        held_at = payment.paid_at
    events += _of_awards(payment.referral, awards)
    events += _of_review(payment, payment.referral, hold, held_at)
    taken_back = reversal_of(awards[-1]) if awards else None
    return Timeline(_in_order(events), held_at, taken_back.created_at if taken_back else None)


def _in_order(events: Sequence[Event]) -> list[Event]:
    dated = sorted((event for event in events if event.at), key=attrgetter("at", "entry_id"))
    return [*dated, *(event for event in events if event.at is None)]


def _posted(keys: Sequence[str], entries: Entries) -> list[LedgerEntry]:
    return [entries[key] for key in keys if key in entries]


def _of_payment(payment: Payment) -> Iterator[Event]:
    amount, name = dollars_of_cents(payment.amount), payment.user.username
    if payment.user.claimed_at:
        claimed = f"{name} claimed the code {payment.user.referred_by_code}."
        yield Event(payment.user.claimed_at, 0, claimed)
    yield Event(payment.created_at, 0, f"{name} asked to buy credits for {amount}.")
    if payment.completed_at:
        yield Event(payment.completed_at, 0, "Checkout was completed with money on its way.")
    if payment.ledger_entry_id:
        credited = f"The purchase was paid: {amount} credited to {name}."
        yield Event(payment.paid_at, payment.ledger_entry_id, credited)


def _of_clawback(clawback: Clawback, entries: Entries) -> Iterator[Event]:
    postings = _posted(clawback_keys(clawback), entries)
    if not postings:
        yield Event(clawback.created_at, 0, _without_posting(clawback))
    for posting in postings:
        took = f"A {clawback.kind} took back {dollars(-posting.amount)} ({clawback.stripe_id})."
        yield Event(posting.created_at, posting.pk, took)
        if reversal := reversal_of(posting):
            is_last = posting is postings[-1]
            why = _UNDONE.get(clawback.status, _SHARED_ANEW) if is_last else _SHARED_ANEW
            again = f"{why}: {dollars(reversal.amount)} credited again ({clawback.stripe_id})."
            yield Event(reversal.created_at, reversal.pk, again)
    if clawback.status == Clawback.Status.LOST:
        yield Event(None, 0, f"The dispute was lost ({clawback.stripe_id}).")


# Refunds and disputes together never take more than the purchase, so one makes room for another.
_SHARED_ANEW = "What each refund and dispute takes was computed anew"
_UNDONE: Mapping[str, str] = {
    Clawback.Status.FAILED: "The refund failed",
    Clawback.Status.WON: "The dispute was won",
    Clawback.Status.DISMISSED: "The inquiry was dismissed",
}


def _without_posting(clawback: Clawback) -> str:
    what = f"A {clawback.kind} of {dollars_of_cents(clawback.amount)} ({clawback.stripe_id})"
    if clawback.takes_back:
        return f"{what} took nothing: others had taken all."
    return f"{what} is {clawback.status} and took nothing."


def _of_awards(referral: Referral, awards: Sequence[LedgerEntry]) -> Iterator[Event]:
    for entry in awards:
        paid = "Bonus paid" if entry is awards[0] else "Bonus reinstated"
        yield Event(entry.created_at, entry.pk, f"{paid}: {both_sides(referral)}.")
        if reversal := reversal_of(entry):
            why = f" ({referral.hold_reason})" if _is_hold(reversal) else ""
            yield Event(reversal.created_at, reversal.pk, f"{reversal.description}{why}.")


def both_sides(referral: Referral) -> str:
    """Return who gets how much, like `$10.00 to alice, $10.00 to bob`."""
    referrer, referee = referral.referrer.username, referral.referred_user.username
    return (
        f"{dollars(referral.bonus_amount)} to {referrer}, "
        f"{dollars(referral.referee_bonus_amount)} to {referee}"
    )


def _is_hold(reversal: LedgerEntry) -> bool:
    """Whether it took back a bonus that had been paid before it was held."""
    return reversal.description == REVERSAL_DESCRIPTIONS[Referral.Status.HELD]


def _of_review(
    payment: Payment, referral: Referral, hold: LedgerEntry | None, held_at: datetime | None
) -> Iterator[Event]:
    purchase = payment.ledger_entry_id or 0
    if referral.is_same_address:
        shared = "Both signed up from one network address: worth knowing, no reason to hold."
        yield Event(referral.completed_at, purchase, shared)
    if referral.review == Referral.Review.NONE:
        return
    if hold is None:
        yield Event(held_at, purchase, f"Bonus held: {referral.hold_reason}.")
    if referral.review != Referral.Review.HELD:
        decided = f"{referral.get_review_display()} by {reviewer(referral)}: {referral.review_note}"
        yield Event(referral.reviewed_at, hold.pk if hold else purchase, decided)


def reviewer(referral: Referral) -> str:
    """Return who released or voided."""
    return referral.reviewed_by.username if referral.reviewed_by else COMMAND_LINE
