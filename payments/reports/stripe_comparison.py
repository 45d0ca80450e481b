"""Compares our purchases, refunds and disputes with what moved Stripe's balance, both ways.

Here a purchase belongs to the day on which it was paid, by Stripe's clock (CONTRACT 2.3). Stripe's
object and our record find each other by id, also when their days differ by a few.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple

from django.db.models import Count, Q, QuerySet, Sum

from payments import stripe_gateway
from payments.errors import PaymentError
from payments.models import Clawback, Payment, StripeComparison
from payments.reports.daily import Span
from payments.stripe_objects import MARK

# We may hear of a refund days after it was made: Stripe delivers an event for three days.
MARGIN = timedelta(days=7)
# The worker's other jobs wait meanwhile.
MOST_SECONDS = 240
MOST_DIFFERENCES = 1000
MOST_PAYOUTS = 100
_BATCH = 500
# Stripe's reporting categories of purchases, each with the statuses of our record that agree.
_AGREEING = {
    "charge": {"paid"},
    "refund": {"pending", "succeeded", "failed"},
    "refund_failure": {"failed"},
    "dispute": {"open", "lost", "won"},
    "dispute_reversal": {"won"},
}
_TAKING_BACK = ("succeeded", "open", "lost")
OTHER_PROGRAMS = "other programs"


class TooMuchError(PaymentError):
    """Stripe has more transactions on these days than can be read while other jobs wait."""


@dataclass
class Comparison:
    """The sums of both sides, in cents and with Stripe's signs, and the first differences."""

    # By category: how many, amount, fee, net.
    at_stripe: dict[str, list[int]] = field(default_factory=dict)
    # By category: how many, amount.
    ours: dict[str, list[int]] = field(default_factory=dict)
    # Id, amount, status, and the day on which it arrives.
    payouts: list[tuple[str, int, str, str]] = field(default_factory=list)
    payout_count: int = 0
    payout_sum: int = 0
    differences: list[dict[str, Any]] = field(default_factory=list)
    difference_count: int = 0

    def add(self, category: str, *numbers: int) -> None:
        sums = self.at_stripe.setdefault(category, [0] * (1 + len(numbers)))
        self.at_stripe[category] = [sum(pair) for pair in zip(sums, (1, *numbers), strict=True)]

    def differ(
        self, category: str, stripe_id: str, problem: str, at_stripe: int | None, ours: int | None
    ) -> None:
        """Add what only one side has, or both have differently; amounts in cents."""
        self.difference_count += 1
        if len(self.differences) < MOST_DIFFERENCES:
            amounts = {"at_stripe": at_stripe, "ours": ours}
            self.differences.append(
                {"what": category, "stripe_id": stripe_id, "problem": problem, **amounts}
            )


@dataclass(frozen=True)
class _Transaction:
    category: str
    amount: int
    fee: int
    net: int
    created_at: datetime
    source_id: str
    payment_intent_id: str
    is_marked: bool


class _Record(NamedTuple):
    """Our record of a purchase, a refund or a dispute."""

    amount: int
    status: str


def request(span: Span, *, now: datetime) -> StripeComparison:
    """Record that these days are to be compared; the result before is gone."""
    row, _ = StripeComparison.objects.update_or_create(
        first=span.first,
        last=span.last,
        defaults={"requested_at": now, "compared_at": None, "error": "", "result": None},
    )
    return row


def run(row: StripeComparison, *, now: datetime) -> None:
    """Compare, and keep the result, or why there is none."""
    try:
        row.result = asdict(compare(Span(row.first, row.last)))
    except PaymentError as error:
        row.error = f"Stripe: {error}"[:500]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        row.error = f"Stripe's answer is not what its documentation says: {error!r}"[:500]
    row.compared_at = now
    row.save(update_fields=["result", "error", "compared_at"])


def compare(span: Span) -> Comparison:
    """Ask Stripe for these days. Raises PaymentError, and more if the answer makes no sense."""
    found = Comparison()
    seen: set[str] = set()
    listed = stripe_gateway.list_balance_transactions(
        since=span.start - MARGIN, until=span.end + MARGIN
    )
    transactions = _within_time(map(_read, listed))
    while batch := list(islice(transactions, _BATCH)):
        _compare_batch(found, span, batch, seen)
    for payout in _within_time(stripe_gateway.list_payouts(since=span.start, until=span.end)):
        _add_payout(found, payout)
    _add_ours(found, span, seen)
    return found


def _within_time(rows: Iterable[Any]) -> Iterator[Any]:
    ends_at = time.monotonic() + MOST_SECONDS
    for row in rows:
        if time.monotonic() > ends_at:
            raise TooMuchError("too many transactions for one comparison; choose fewer days")
        yield row


def _read(data: Mapping[str, Any]) -> _Transaction:
    source = data["source"] or {}
    is_charge = source.get("object") == "charge"
    return _Transaction(
        category=data["reporting_category"],
        amount=data["amount"],
        fee=data["fee"],
        net=data["net"],
        created_at=datetime.fromtimestamp(data["created"], UTC),
        source_id=source.get("id", ""),
        payment_intent_id=source.get("payment_intent") or "",
        is_marked=is_charge and MARK.items() <= (source.get("metadata") or {}).items(),
    )


def _compare_batch(
    found: Comparison, span: Span, batch: list[_Transaction], seen: set[str]
) -> None:
    intents = [each.payment_intent_id for each in batch]
    payments = _records(Payment.objects.all(), "payment_intent_id", intents)
    clawbacks = _records(Clawback.objects.all(), "stripe_id", [each.source_id for each in batch])
    for each in batch:
        is_charge = each.category == "charge"
        key = each.payment_intent_id if is_charge else each.source_id
        seen.add(key)
        if not span.start <= each.created_at < span.end:
            continue
        is_ours = each.payment_intent_id in payments or each.is_marked
        is_of_others = each.category in _AGREEING and not is_ours
        category = OTHER_PROGRAMS if is_of_others else each.category
        found.add(category, each.amount, each.fee, each.net)
        if category in _AGREEING:
            _compare_one(found, each, key, (payments if is_charge else clawbacks).get(key))


def _compare_one(found: Comparison, theirs: _Transaction, key: str, ours: _Record | None) -> None:
    if ours is None:
        problem = "we have no record"
    elif ours.status not in _AGREEING[theirs.category]:
        problem = f"ours is {ours.status}"
    elif abs(theirs.amount) != ours.amount:
        problem = "other amounts"
    else:
        return
    sign = -1 if theirs.amount < 0 else 1
    amount = sign * ours.amount if ours else None
    found.differ(theirs.category, key, problem, theirs.amount, amount)


def _records(rows: QuerySet[Any], key: str, ids: list[str]) -> dict[str, _Record]:
    found = rows.filter(**{f"{key}__in": ids}).values_list(key, "amount", "status")
    return {stripe_id: _Record(*record) for stripe_id, *record in found}


def _add_payout(found: Comparison, payout: Mapping[str, Any]) -> None:
    found.payout_count += 1
    found.payout_sum += payout["amount"]
    if len(found.payouts) < MOST_PAYOUTS:
        arrives = datetime.fromtimestamp(payout["arrival_date"], UTC).date()
        shown = (payout["id"], payout["amount"], payout["status"], arrives.isoformat())
        found.payouts.append(shown)


def _add_ours(found: Comparison, span: Span, seen: set[str]) -> None:
    """Add the sums of our records, and those of which Stripe has nothing."""
    paid = Payment.objects.filter(status="paid", paid_at__gte=span.start, paid_at__lt=span.end)
    _add_records(found, "charge", paid, "payment_intent_id", seen)
    for kind in Clawback.Kind:
        made = Clawback.objects.filter(
            kind=kind, created_at__gte=span.start, created_at__lt=span.end
        ).exclude(status__in=("pending", "dismissed"))
        _add_records(found, kind, made, "stripe_id", seen)


def _add_records(
    found: Comparison, category: str, rows: QuerySet[Any], key: str, seen: set[str]
) -> None:
    sign = 1 if category == "charge" else -1
    sums = rows.aggregate(count=Count("pk"), amount=Sum("amount", default=0))
    found.ours[category] = [sums["count"], sign * sums["amount"]]
    due = rows.filter(Q(status="paid") if category == "charge" else Q(status__in=_TAKING_BACK))
    for stripe_id, amount in due.order_by("pk").values_list(key, "amount").iterator():
        if stripe_id not in seen:
            found.differ(category, stripe_id or "", "Stripe has nothing", None, sign * amount)
