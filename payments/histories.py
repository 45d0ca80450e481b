"""Tells what became of a purchase and of its bonuses, in order of time, from what is on record."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from accounts.models import LedgerEntry
from accounts.money import dollars, dollars_of_cents
from accounts.operator_records import COMMAND_LINE
from payments.clawbacks import clawback_keys
from payments.models import Clawback, Payment
from referrals.bonuses import REVERSAL_DESCRIPTIONS, award_keys
from referrals.gates import Decision
from referrals.models import Referral

Status = Clawback.Status
Review = Referral.Review
_Entries = Mapping[str, LedgerEntry]


class Happening(NamedTuple):
    """Something that became of a purchase; `at` is None where the time was not kept."""

    at: datetime | None
    sentence: str


@dataclass(frozen=True)
class History:
    """What happened, in order, and since when it is as it is."""

    happenings: list[Happening]
    held_at: datetime | None = None
    taken_back_at: datetime | None = None


class _Step(NamedTuple):
    """A happening with its place among those of the same instant."""

    at: datetime | None
    place: int
    sentence: str


def histories(payments: Sequence[Payment]) -> dict[int, History]:
    """Return what became of each of these payments, by id, in two queries for all of them.

    Their referrals are to be loaded with both sides and the operator who decided.
    """
    entries = _entries(payments)
    return {payment.pk: _history(payment, entries) for payment in payments}


def _entries(payments: Sequence[Payment]) -> _Entries:
    """Return each entry that took something back or paid a bonus, with its reversal, by key."""
    posted = LedgerEntry.objects.filter(idempotency_key__in=list(_keys(payments)))
    return {entry.idempotency_key: entry for entry in posted.select_related("reversed_by")}


def _keys(payments: Sequence[Payment]) -> Iterable[str]:
    for payment in payments:
        for clawback in payment.clawbacks.all():
            yield from clawback_keys(clawback)
        if payment.referral:
            yield from _referrers_keys(payment.referral)


def _referrers_keys(referral: Referral) -> list[str]:
    """Return what names the one entry of each award; the referee's has the same history."""
    return [keys.referrer for keys in award_keys(referral)]


def _posted(keys: Iterable[str], entries: _Entries) -> list[LedgerEntry]:
    return [entries[key] for key in keys if key in entries]


def _reversal(entry: LedgerEntry) -> LedgerEntry | None:
    return getattr(entry, "reversed_by", None)


def _history(payment: Payment, entries: _Entries) -> History:
    steps = [*_of_payment(payment)]
    for clawback in payment.clawbacks.all():
        steps += _of_clawback(clawback, entries)
    if payment.referral is None:
        return History(_in_order(steps))
    awards = _posted(_referrers_keys(payment.referral), entries)
    steps += [*_of_awards(payment.referral, awards), *_of_review(payment, awards)]
    return History(_in_order(steps), _held_at(payment, awards), _taken_back_at(awards))


def _in_order(steps: Iterable[_Step]) -> list[Happening]:
    dated = sorted((step for step in steps if step.at), key=lambda step: (step.at, step.place))
    undated = (step for step in steps if step.at is None)
    return [Happening(step.at, step.sentence) for step in (*dated, *undated)]


def _of_payment(payment: Payment) -> Iterable[_Step]:
    amount, name = dollars_of_cents(payment.amount), payment.user.username
    yield _Step(payment.created_at, 0, f"{name} asked to buy credits for {amount}.")
    if payment.completed_at:
        yield _Step(payment.completed_at, 0, "Checkout was completed with money on its way.")
    if payment.ledger_entry_id:
        credited = f"The purchase was paid: {amount} credited to {name}."
        yield _Step(payment.paid_at, payment.ledger_entry_id, credited)


def _of_clawback(clawback: Clawback, entries: _Entries) -> Iterable[_Step]:
    postings = _posted(clawback_keys(clawback), entries)
    if not postings:
        yield _Step(clawback.created_at, 0, _without_posting(clawback))
    for posting in postings:
        took = f"A {clawback.kind} took back {dollars(-posting.amount)} ({clawback.stripe_id})."
        yield _Step(posting.created_at, posting.pk, took)
        if reversal := _reversal(posting):
            is_last = posting is postings[-1]
            why = _GIVEN_AGAIN.get(clawback.status) if is_last else None
            again = f"{why or _COUNTED_ANEW}: {dollars(reversal.amount)} credited again"
            yield _Step(reversal.created_at, reversal.pk, f"{again} ({clawback.stripe_id}).")
    if clawback.status == Status.LOST:
        yield _Step(None, 0, f"The dispute was lost ({clawback.stripe_id}).")


# Of several refunds and disputes of a purchase each takes what is left for it.
_COUNTED_ANEW = "What refunds and disputes take was shared out anew"
_GIVEN_AGAIN: Mapping[str, str] = {
    Status.FAILED: "The refund failed",
    Status.WON: "The dispute was won",
    Status.DISMISSED: "The inquiry was dismissed",
}


def _without_posting(clawback: Clawback) -> str:
    what = f"A {clawback.kind} of {dollars_of_cents(clawback.amount)} ({clawback.stripe_id})"
    if clawback.takes_back:
        return f"{what} took nothing: others had taken all."
    return f"{what} is {clawback.status} and took nothing."


def _of_awards(referral: Referral, awards: Sequence[LedgerEntry]) -> Iterable[_Step]:
    for entry in awards:
        paid = "Bonus paid" if entry is awards[0] else "Bonus given again"
        yield _Step(entry.created_at, entry.pk, f"{paid}: {both_sides(referral)}.")
        if reversal := _reversal(entry):
            why = f" ({referral.hold_reason})" if _is_hold(reversal) else ""
            yield _Step(reversal.created_at, reversal.pk, f"{reversal.description}{why}.")


def both_sides(referral: Referral) -> str:
    """Return who gets how much, like `$10.00 to alice, $10.00 to bob`."""
    referrer, referee = referral.referrer.username, referral.referred_user.username
    return (
        f"{dollars(referral.bonus_amount)} to {referrer}, "
        f"{dollars(referral.referee_bonus_amount)} to {referee}"
    )


def _is_hold(reversal: LedgerEntry) -> bool:
    return reversal.description == REVERSAL_DESCRIPTIONS[Referral.Status.HELD]


def _of_review(payment: Payment, awards: Sequence[LedgerEntry]) -> Iterable[_Step]:
    referral = payment.referral
    if referral is None:
        return
    place = payment.ledger_entry_id or 0
    if referral.is_same_address:
        shared = "Both signed up from one network address: worth knowing, no reason to hold."
        yield _Step(referral.completed_at, place, shared)
    if referral.review == Review.NONE:
        return
    hold = _hold(awards)
    if hold is None:
        yield _Step(_held_at(payment, awards), place, f"Bonus held: {referral.hold_reason}.")
    if referral.review != Review.HELD:
        decided = f"{referral.get_review_display()} by {reviewer(referral)}: {referral.review_note}"
        yield _Step(referral.reviewed_at, hold.pk if hold else place, decided)


def reviewer(referral: Referral) -> str:
    """Return who released or voided."""
    return referral.reviewed_by.username if referral.reviewed_by else COMMAND_LINE


def _hold(awards: Sequence[LedgerEntry]) -> LedgerEntry | None:
    """Return the entry by which a bonus that had been paid was held."""
    reversals = filter(None, map(_reversal, awards))
    return next((reversal for reversal in reversals if _is_hold(reversal)), None)


def _held_at(payment: Payment, awards: Sequence[LedgerEntry]) -> datetime | None:
    """Return when the bonus was held; of one that was not paid just then, it was not kept."""
    if payment.bonus_decision == Decision.HELD:
        return payment.paid_at
    hold = _hold(awards)
    return hold.created_at if hold else None


def _taken_back_at(awards: Sequence[LedgerEntry]) -> datetime | None:
    reversal = _reversal(awards[-1]) if awards else None
    return reversal.created_at if reversal else None
