"""What the month page shows of a comparison with Stripe, on the page and as rows of a file."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode

from accounts.money import dollars_of_cents, from_cents
from gatewayz.adminbase.exports import Row
from payments.models import StripeComparison
from payments.reports.stripe_comparison import OTHER_PROGRAMS

# Stripe's reporting categories in our words; others have Stripe's.
_NAMES = {
    "charge": "Purchases",
    "refund": "Refunds",
    "refund_failure": "Refunds that failed",
    "dispute": "Disputes",
    "dispute_reversal": "Disputes won",
    "payout": "Payouts",
    "fee": "Other fees of Stripe",
    OTHER_PROGRAMS: "Other programs on the account",
}
_SHOWN = 100


def of(row: StripeComparison | None) -> dict[str, Any] | None:
    """Return what the template shows; without a result, why there is none."""
    if row is None:
        return None
    if row.result is None:
        return {"requested_at": row.requested_at, "error": row.error}
    found = row.result
    return {
        "compared_at": row.compared_at,
        "lines": [_line(name, found) for name in _categories(found)],
        "payouts": {
            "headers": ["Payout", "Amount", "Status", "Arrives"],
            "rows": [
                [id_, dollars_of_cents(cents), *rest] for id_, cents, *rest in found["payouts"]
            ],
        },
        "payout_count": found["payout_count"],
        "payout_sum": dollars_of_cents(found["payout_sum"]),
        "payouts_unshown": found["payout_count"] - len(found["payouts"]),
        "differences": {
            "headers": ["Difference", "Stripe's id", "Stripe", "Ours"],
            "rows": [_difference(each) for each in found["differences"][:_SHOWN]],
        },
        "difference_count": found["difference_count"],
        "unshown": max(found["difference_count"] - _SHOWN, 0),
        "result": found,
    }


def _categories(found: dict[str, Any]) -> list[str]:
    """Return ours first, in the order of the table of names, then whatever else Stripe has."""
    known = [name for name in _NAMES if name in found["at_stripe"] or name in found["ours"]]
    return [*known, *sorted(found["at_stripe"].keys() - set(known))]


def _line(name: str, found: dict[str, Any]) -> dict[str, Any]:
    count, amount, fee, net = found["at_stripe"].get(name, [0, 0, 0, 0])
    ours = found["ours"].get(name)
    return {
        "title": _title(name),
        "ours": f"{dollars_of_cents(ours[1])} · {ours[0]:,}" if ours else "",
        "stripe": f"{dollars_of_cents(amount)} · {count:,}",
        "fee": dollars_of_cents(fee),
        "net": dollars_of_cents(net),
    }


def _title(name: str) -> str:
    return _NAMES.get(name, name.replace("_", " ").capitalize())


def _difference(each: dict[str, Any]) -> list[str]:
    amounts = (each["at_stripe"], each["ours"])
    shown = ["–" if cents is None else dollars_of_cents(cents) for cents in amounts]
    list_of = "payments_payment" if each["what"] == "charge" else "payments_clawback"
    found = f"{reverse(f'admin:{list_of}_changelist')}?{urlencode({'q': each['stripe_id']})}"
    shown_id = format_html('<a class="desk-link" href="{}">{}</a>', found, each["stripe_id"])
    return [f"{_title(each['what'])}: {each['problem']}", shown_id, *shown]


def rows(shown: dict[str, Any] | None) -> Iterator[Row]:
    """Yield the rows of the file; none if Stripe was not asked."""
    if shown is None or "result" not in shown:
        return
    found = shown["result"]
    for name, (count, amount) in found["ours"].items():
        yield ("ours", _title(name), count, from_cents(amount), "", "", "")
    for name, (count, *cents) in found["at_stripe"].items():
        yield ("Stripe", _title(name), count, *map(from_cents, cents), "")
    for stripe_id, cents, status, arrives in found["payouts"]:
        yield ("payout", stripe_id, 1, from_cents(cents), "", "", f"{status}, arrives {arrives}")
    for each in found["differences"]:
        sides = f"Stripe {_dollars(each['at_stripe'])}, ours {_dollars(each['ours'])}"
        yield ("difference", each["stripe_id"], 1, "", "", "", f"{each['problem']}: {sides}")


def _dollars(cents: int | None) -> Decimal | str:
    return "nothing" if cents is None else from_cents(cents)
