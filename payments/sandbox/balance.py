"""What moved the balance of the sandbox's account, and the payouts of each day's sum.

No table holds it: each event that moves money is one balance transaction.
"""

import json
from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import QuerySet

from payments.sandbox.models import Event
from payments.sandbox.objects import Json, timestamp

# By type of event: the transaction's reporting category, and its sign.
_KINDS = {
    "charge.succeeded": ("charge", 1),
    "refund.created": ("refund", -1),
    "refund.failed": ("refund_failure", 1),
    "charge.dispute.funds_withdrawn": ("dispute", -1),
    "charge.dispute.funds_reinstated": ("dispute_reversal", 1),
}
_DISPUTE_FEE = 1500
_ARRIVES_AFTER = timedelta(days=2)
_PREFIX = "txn"


def moving_events() -> QuerySet[Event]:
    return Event.objects.filter(type__in=_KINDS)


def event_id(transaction_id: str) -> str:
    """Return the id of the event that a balance transaction stands for."""
    return transaction_id.replace(f"{_PREFIX}_", "evt_", 1)


def transaction_json(event: Event, *, is_expanded: bool = False) -> Json:
    """Return the balance transaction of an event, with its source as an id or in full."""
    category, sign = _KINDS[event.type]
    source: dict[str, Any] = json.loads(event.body)["data"]["object"]
    amount, fee = sign * source["amount"], _fee(category, source["amount"])
    return {
        "id": event.stripe_id.replace("evt_", f"{_PREFIX}_", 1),
        "object": "balance_transaction",
        "amount": amount,
        "created": timestamp(event.created_at),
        "currency": "usd",
        "fee": fee,
        "net": amount - fee,
        "reporting_category": category,
        "source": source if is_expanded else source["id"],
    }


def _fee(category: str, cents: int) -> int:
    """Return 2.9 % and 30 cents for a charge, and what a dispute costs; nothing comes back."""
    return {"charge": round(cents * 29 / 1000) + 30, "dispute": _DISPUTE_FEE}.get(category, 0)


def payouts(*, now: datetime) -> list[Json]:
    """Return a payout of each day that is over and left something, the newest first."""
    sums: defaultdict[date, int] = defaultdict(int)
    for event in moving_events().iterator():
        sums[event.created_at.astimezone(UTC).date()] += transaction_json(event)["net"]
    ends = [
        (datetime.combine(day, time.min, tzinfo=UTC) + timedelta(days=1), cents)
        for day, cents in sorted(sums.items(), reverse=True)
    ]
    return [_payout(at, cents, now) for at, cents in ends if cents > 0 and at <= now]


def _payout(at: datetime, cents: int, now: datetime) -> Json:
    arrives_at = at + _ARRIVES_AFTER
    return {
        "id": f"po_{at:%Y%m%d}",
        "object": "payout",
        "amount": cents,
        "arrival_date": timestamp(arrives_at),
        "created": timestamp(at),
        "currency": "usd",
        "status": "paid" if arrives_at <= now else "in_transit",
    }
