"""Formats ledger entries for the admin: what an entry is, and where it came from."""

from decimal import Decimal

from django.db.models import (
    BigIntegerField,
    Case,
    CharField,
    OuterRef,
    QuerySet,
    Subquery,
    When,
)
from django.db.models.functions import Cast, Substr
from django.urls import reverse
from django.utils.html import format_html

from accounts.models import LedgerEntry, User
from accounts.money import dollars
from accounts.operator_models import COMMAND_LINE
from accounts.row_ids import is_id
from gatewayz.adminbase.formatting import NOTHING, link, link_to, one_line
from payments.search import CLAWBACK_LOOKUP, lookup_of

# As many characters of a Stripe id as tell it from others.
ID_SHOWN = 16
KINDS = {
    LedgerEntry.Kind.PURCHASE: "Purchase",
    LedgerEntry.Kind.REFERRER_BONUS: "Bonus for inviting",
    LedgerEntry.Kind.REFEREE_BONUS: "Bonus for being invited",
    LedgerEntry.Kind.REFUND: "Refund",
    LedgerEntry.Kind.DISPUTE: "Dispute",
    LedgerEntry.Kind.ADJUSTMENT: "Adjustment",
    LedgerEntry.Kind.REVERSAL: "Reversal",
}
_TAKEN_BACK = {
    LedgerEntry.Kind.REFERRER_BONUS: "Bonus taken back",
    LedgerEntry.Kind.REFEREE_BONUS: "Bonus taken back",
    LedgerEntry.Kind.REFUND: "Refund undone",
    LedgerEntry.Kind.DISPUTE: "Dispute undone",
    LedgerEntry.Kind.ADJUSTMENT: "Adjustment taken back",
}
# What `kind`, `poster` and `cause` look at, to be fetched with the entries.
RELATED = ("posted_by", "adjustment", "reverses__adjustment")


def money(amount: Decimal) -> str:
    """Return `$10.00`, in red if it is negative."""
    colour = "desk-debt" if amount < 0 else ""
    return format_html('<span class="desk-money {}">{}</span>', colour, dollars(amount))


def kind(entry: LedgerEntry) -> str:
    """Return what an entry is; of a reversal, what it takes back."""
    undone = entry.reverses and _TAKEN_BACK.get(LedgerEntry.Kind(entry.reverses.kind))
    return undone or KINDS[LedgerEntry.Kind(entry.kind)]


def poster(entry: LedgerEntry) -> str:
    """Return who posted the entry; only adjustments are posted from the command line."""
    if entry.posted_by:
        return link(entry.posted_by)
    by_hand = LedgerEntry.Kind.ADJUSTMENT in (entry.kind, entry.reverses and entry.reverses.kind)
    return one_line(COMMAND_LINE if by_hand else "the program")


def with_other_side(entries: QuerySet[LedgerEntry]) -> QuerySet[LedgerEntry]:
    """Add the name of the other person of a bonus, which its description does not hold."""
    pk = Cast(Substr(OuterRef("reference"), len("user:") + 1), BigIntegerField())
    name = User.objects.filter(pk=pk).values("username")[:1]
    of_bonus = When(reference__regex=r"^user:[0-9]{1,18}$", then=Subquery(name))
    return entries.annotate(other_side=Case(of_bonus, default=None, output_field=CharField()))


def cause(entry: LedgerEntry) -> str:
    """Return a link to what the entry came from, or its reference as it is.

    The entry is read `with_other_side`.
    """
    reference = entry.reference
    kind, _, name = entry.idempotency_key.partition(":payment:")
    if kind == LedgerEntry.Kind.PURCHASE and is_id(name):
        return link_to("payments_payment_change", int(name), one_line(f"payment {name}"))
    if adjustment := getattr(entry, "adjustment", None):
        return link(adjustment, one_line(f"adjustment {adjustment.pk}"))
    subject, _, pk = reference.partition(":")
    if subject == "user" and is_id(pk):
        name = getattr(entry, "other_side", None) or f"user {pk}"
        return link_to("accounts_user_change", int(pk), one_line(name))
    if lookup_of(reference) == CLAWBACK_LOOKUP:
        found = f"{reverse('admin:payments_clawback_changelist')}?q={reference}"
        short = f"{reference[:ID_SHOWN]}…" if len(reference) > ID_SHOWN else reference
        return format_html(
            '<a href="{}" class="desk-link" title="{}">{}</a>', found, reference, short
        )
    return reference or NOTHING
