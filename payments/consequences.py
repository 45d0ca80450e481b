"""Finds what a purchase, its bonuses, refunds and disputes brought into the ledger."""

from collections.abc import Iterable, Iterator

from accounts.models import LedgerEntry
from payments.clawbacks import clawback_keys
from payments.models import Clawback, Payment
from referrals.bonuses import award_keys


def entries_of(payment: Payment, clawbacks: Iterable[Clawback]) -> list[LedgerEntry]:
    """Return every entry that a payment led to, with its reversals, in the order of posting."""
    entries = LedgerEntry.objects.select_related("user")
    purchase = LedgerEntry.objects.filter(payment=payment)
    others = LedgerEntry.objects.filter(idempotency_key__in=list(_keys(payment, clawbacks)))
    posted = [row.pk for row in purchase.union(others)]
    undone = LedgerEntry.objects.filter(reverses__in=posted).values_list("pk", flat=True)
    return list(entries.filter(pk__in=[*posted, *undone]).order_by("pk"))


def _keys(payment: Payment, clawbacks: Iterable[Clawback]) -> Iterator[str]:
    for clawback in clawbacks:
        yield from clawback_keys(clawback)
    if payment.referral:
        for award in award_keys(payment.referral):
            yield from award
